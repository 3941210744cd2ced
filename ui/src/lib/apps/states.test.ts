import { expect, test } from 'vitest';
import type { InstalledApp } from '../types';
import { actionsOf, appsDomain, egressSentence, imageParts, limitsSentence, stateWords, visibilityChoices } from './states';

type State = InstalledApp['state'];
type Wanted = InstalledApp['wanted'];

test('a state is named by what the app is and what it should be', () => {
	const words = (state: State, wanted: Wanted) => {
		const { label, changing } = stateWords({ state, wanted });
		return changing ? `${label}…` : label;
	};
	const expected: [State, Wanted, string][] = [
		['installing', 'running', 'Installing…'],
		['starting', 'running', 'Starting…'],
		['running', 'running', 'Running'],
		['stopped', 'running', 'Starting…'],
		['paused', 'running', 'Starting…'],
		['failed', 'running', 'Failed'],
		['running', 'paused', 'Pausing…'],
		['paused', 'paused', 'Paused'],
		// The container engine cannot pause.
		['stopped', 'paused', 'Stopped'],
		['failed', 'paused', 'Failed'],
		['running', 'stopped', 'Stopping…'],
		['failed', 'stopped', 'Stopping…'],
		['stopped', 'stopped', 'Stopped'],
		['running', 'removed', 'Uninstalling…'],
		['failed', 'removed', 'Uninstalling…']
	];
	for (const [state, wanted, text] of expected) expect(words(state, wanted), `${state}, wanted ${wanted}`).toBe(text);
});

test('each settled state has an icon of its own, so that colours are not needed', () => {
	const icons = (['running', 'paused', 'stopped', 'failed'] as const).map((state) => stateWords({ state, wanted: state === 'failed' ? 'running' : state }).icon);
	expect(new Set(icons).size).toBe(4);
});

test('only what makes sense can be done, and only with containers', () => {
	const actions = (state: State, wanted: Wanted, kind: InstalledApp['kind'] = 'container', can_pause = true) =>
		actionsOf({ state, wanted, kind, can_pause }).join(' ');
	expect(actions('running', 'running')).toBe('pause stop');
	expect(actions('running', 'running', 'container', false)).toBe('stop');
	expect(actions('paused', 'paused')).toBe('resume stop');
	expect(actions('stopped', 'stopped')).toBe('start');
	expect(actions('stopped', 'paused')).toBe('start');
	expect(actions('starting', 'running')).toBe('stop');
	expect(actions('running', 'stopped')).toBe('start');
	expect(actions('failed', 'running')).toBe('start stop');
	expect(actions('running', 'removed')).toBe('');
	expect(actions('running', 'running', 'service')).toBe('');
	expect(actions('running', 'running', 'external')).toBe('');
});

test('limits and networks in words', () => {
	expect(limitsSentence({ memory_mb: 512, cpus: 0.5, pids: 128 })).toBe('512 MB memory, half a core, 128 processes');
	expect(limitsSentence({ memory_mb: 2048, cpus: 2, pids: 1 })).toBe('2,048 MB memory, 2 cores, 1 process');
	expect(egressSentence('internet')).toBe('Reach the internet');
	expect(egressSentence('server')).toMatch(/not the internet/);
	expect(egressSentence('none')).toMatch(/no network/);
});

test('visibility goes up to the widest, and private means the owner', () => {
	expect(visibilityChoices('internal', 'ada', true).map(({ value }) => value)).toEqual(['private', 'internal']);
	expect(visibilityChoices('public', 'lab', false)).toHaveLength(3);
	expect(visibilityChoices('private', 'ada', true)[0]?.label).toBe('Only ada');
	expect(visibilityChoices('private', 'lab', false)[0]?.label).toBe('Members of lab');
});

test('apps have a domain if each has a host name of its own', () => {
	const domain = (url: string, kind: InstalledApp['kind'] = 'container') => appsDomain({ kind, url });
	expect(domain('http://notes--ada.apps.localhost:8080')).toBe('apps.localhost:8080');
	expect(domain('https://apps.example.org/user/ada/notes')).toBeNull();
	expect(domain('https://superset.example.org', 'external')).toBeNull();
	expect(domain('')).toBeNull();
});

test('an image is split from its digest', () => {
	expect(imageParts('127.0.0.1:5000/notes@sha256:ab')).toEqual({ name: '127.0.0.1:5000/notes', digest: 'sha256:ab' });
	expect(imageParts('notes')).toEqual({ name: 'notes', digest: null });
});
