// Licences that are common for data and code, with their SPDX identifiers.
export interface Licence {
	name: string;
	title: string;
	path: string;
}

const creativeCommons = (kind: string, version: string, title: string): Licence => ({
	name: `CC-${kind.toUpperCase()}-${version}`,
	title: `Creative Commons ${title} ${version}`,
	path: `https://creativecommons.org/licenses/${kind}/${version}/`
});

const spdx = (name: string, title: string): Licence => ({ name, title, path: `https://spdx.org/licenses/${name}.html` });

export const LICENCES: readonly Licence[] = [
	{ name: 'CC0-1.0', title: 'Creative Commons Zero 1.0', path: 'https://creativecommons.org/publicdomain/zero/1.0/' },
	...['4.0', '3.0'].flatMap((version) => [
		creativeCommons('by', version, 'Attribution'),
		creativeCommons('by-sa', version, 'Attribution ShareAlike'),
		creativeCommons('by-nc', version, 'Attribution NonCommercial'),
		creativeCommons('by-nd', version, 'Attribution NoDerivatives'),
		creativeCommons('by-nc-sa', version, 'Attribution NonCommercial ShareAlike'),
		creativeCommons('by-nc-nd', version, 'Attribution NonCommercial NoDerivatives')
	]),
	{ name: 'PDDL-1.0', title: 'Open Data Commons Public Domain Dedication and License 1.0', path: 'https://opendatacommons.org/licenses/pddl/1-0/' },
	{ name: 'ODC-By-1.0', title: 'Open Data Commons Attribution License 1.0', path: 'https://opendatacommons.org/licenses/by/1-0/' },
	{ name: 'ODbL-1.0', title: 'Open Data Commons Open Database License 1.0', path: 'https://opendatacommons.org/licenses/odbl/1-0/' },
	spdx('CDLA-Permissive-2.0', 'Community Data License Agreement Permissive 2.0'),
	spdx('CDLA-Permissive-1.0', 'Community Data License Agreement Permissive 1.0'),
	spdx('CDLA-Sharing-1.0', 'Community Data License Agreement Sharing 1.0'),
	spdx('DL-DE-BY-2.0', 'Data licence Germany, attribution, version 2.0'),
	spdx('DL-DE-ZERO-2.0', 'Data licence Germany, zero, version 2.0'),
	spdx('OGL-UK-3.0', 'Open Government Licence (United Kingdom) 3.0'),
	spdx('OGL-Canada-2.0', 'Open Government Licence (Canada) 2.0'),
	spdx('etalab-2.0', 'Etalab Open License 2.0'),
	spdx('NLOD-2.0', 'Norwegian Licence for Open Government Data 2.0'),
	spdx('GFDL-1.3-or-later', 'GNU Free Documentation License 1.3 or later'),
	spdx('MIT', 'MIT License'),
	spdx('Apache-2.0', 'Apache License 2.0'),
	spdx('BSD-2-Clause', 'BSD 2-Clause License'),
	spdx('BSD-3-Clause', 'BSD 3-Clause License'),
	spdx('MPL-2.0', 'Mozilla Public License 2.0'),
	spdx('LGPL-3.0-or-later', 'GNU Lesser General Public License 3.0 or later'),
	spdx('GPL-2.0-or-later', 'GNU General Public License 2.0 or later'),
	spdx('GPL-3.0-or-later', 'GNU General Public License 3.0 or later'),
	spdx('AGPL-3.0-or-later', 'GNU Affero General Public License 3.0 or later'),
	spdx('EUPL-1.2', 'European Union Public License 1.2'),
	spdx('Unlicense', 'The Unlicense')
];

/** Returns a licence by its SPDX identifier, in any case. */
export const licenceNamed = (name: string): Licence | undefined => LICENCES.find((one) => one.name.toLowerCase() === name.trim().toLowerCase());
