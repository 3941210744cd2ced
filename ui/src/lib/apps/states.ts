// Installed apps in words: their state, what can be done with them, what they can use, and their visibility.
import { count, plural } from '../format';
import type { AppLimits, CatalogueApp, InstalledApp, Visibility } from '../types';
import type { IconName } from '../ui/icons';

export interface StateWords {
	label: string;
	tone: 'plain' | 'good' | 'warn' | 'bad';
	icon: IconName;
	/** True if the state changes soon. */
	changing: boolean;
}

type Stateful = Pick<InstalledApp, 'state' | 'wanted'>;

const settled = (label: string, tone: StateWords['tone'], icon: IconName): StateWords => ({ label, tone, icon, changing: false });
const changing = (label: string): StateWords => ({ label, tone: 'warn', icon: 'history', changing: true });

/** Describes the state of an app. What it should be counts, too: an app that is to stop, but still runs, is stopping. */
export function stateWords({ state, wanted }: Stateful): StateWords {
	if (wanted === 'removed') return changing('Uninstalling');
	if (wanted === 'stopped') return state === 'stopped' ? settled('Stopped', 'plain', 'stop') : changing('Stopping');
	if (state === 'failed') return settled('Failed', 'bad', 'warn');
	if (wanted === 'paused') {
		if (state === 'paused') return settled('Paused', 'plain', 'pause');
		// The container engine cannot pause.
		return state === 'stopped' ? settled('Stopped', 'plain', 'stop') : changing('Pausing');
	}
	if (state === 'running') return settled('Running', 'good', 'play');
	return changing(state === 'installing' ? 'Installing' : 'Starting');
}

export type Action = 'start' | 'resume' | 'pause' | 'stop';

/** Returns what an owner can do with an app. Only containers can be started and stopped. */
export function actionsOf(app: Stateful & Pick<InstalledApp, 'kind' | 'can_pause'>): Action[] {
	if (app.kind !== 'container' || app.wanted === 'removed') return [];
	if (app.state === 'failed') return app.wanted === 'stopped' ? ['start'] : ['start', 'stop'];
	if (app.wanted === 'stopped') return ['start'];
	if (app.wanted === 'paused') return app.state === 'stopped' ? ['start'] : ['resume', 'stop'];
	return app.state === 'running' && app.can_pause ? ['pause', 'stop'] : ['stop'];
}

export const ACTIONS: Record<Action, { label: string; icon: IconName; wanted: InstalledApp['wanted'] }> = {
	start: { label: 'Start', icon: 'play', wanted: 'running' },
	resume: { label: 'Resume', icon: 'play', wanted: 'running' },
	pause: { label: 'Pause', icon: 'pause', wanted: 'paused' },
	stop: { label: 'Stop', icon: 'stop', wanted: 'stopped' }
};

/** Describes what an app can use at most: `512 MB memory, half a core, 128 processes`. */
export function limitsSentence({ memory_mb, cpus, pids }: AppLimits): string {
	const cores = cpus === 0.5 ? 'half a core' : plural(cpus, ['# core', '# cores']);
	return `${count(memory_mb)} MB memory, ${cores}, ${plural(pids, ['# process', '# processes'])}`;
}

/** Describes what an app can reach. */
export function egressSentence(egress: CatalogueApp['egress']): string {
	if (egress === 'internet') return 'Reach the internet';
	return egress === 'none' ? 'Reach no network' : 'Reach this server, but not the internet';
}

const WIDTH: Visibility[] = ['private', 'internal', 'public'];

/** Returns the choices of the visibility of an app, up to the widest that it allows. */
export function visibilityChoices(widest: Visibility, owner: string, isUser: boolean): { value: Visibility; label: string }[] {
	const labels: Record<Visibility, string> = {
		private: isUser ? `Only ${owner}` : `Members of ${owner}`,
		internal: 'All signed-in users',
		public: 'Everyone, also without an account'
	};
	return WIDTH.slice(0, WIDTH.indexOf(widest) + 1).map((value) => ({ value, label: labels[value] }));
}

/** Returns the domain below which apps have host names of their own; null if they share one host, and for applications elsewhere. */
export function appsDomain({ kind, url }: Pick<InstalledApp, 'kind' | 'url'>): string | null {
	if (kind === 'external' || !URL.canParse(url)) return null;
	const { pathname, host } = new URL(url);
	return pathname === '/' ? host.slice(host.indexOf('.') + 1) : null;
}

/** Splits an image with a digest: `registry.example/notes@sha256:…`. */
export function imageParts(image: string): { name: string; digest: string | null } {
	const at = image.indexOf('@');
	return at < 0 ? { name: image, digest: null } : { name: image.slice(0, at), digest: image.slice(at + 1) };
}
