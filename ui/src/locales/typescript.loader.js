export { text as getRuntime, text as getRuntimeRx } from './text.js';
