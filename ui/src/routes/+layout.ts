import { styled } from '$lib/styled';

export const ssr = false;
export const prerender = false;

export const load = styled;
