import { expect, test } from 'vitest';
import type { Package } from '../types';
import { cardChange, cardConflicts, newContributor, newLicence, newSource, readCard, tableOf, withChange, withColumns, writeCard } from './data-card';
import { LICENCES, licenceNamed } from './licences';

const about = {
	$schema: 'https://datapackage.org/profiles/2.0/datapackage.json',
	name: 'birds',
	title: 'Birds',
	'x-project': { id: 12, tags: ['a'] },
	keywords: ['owls', 'north'],
	licenses: [{ name: 'CC-BY-4.0', title: 'CC BY', path: 'https://creativecommons.org/licenses/by/4.0/' }, { path: 'LICENCE.txt' }],
	contributors: [{ title: 'Ada', roles: ['author', 'editor'], orcid: '0000' }, { title: 'Ben', role: 'collector' }],
	sources: [{ title: 'Survey', path: 'https://example.org', version: '2' }],
	resources: [
		{ name: 'counts', path: 'counts.csv', bytes: 12, schema: { primaryKey: ['id'], fields: [{ name: 'id', type: 'integer', constraints: { required: true } }, { name: 'speed', units: 'm/s' }] } },
		{ name: 'photos', path: ['a.zip', 'b.zip'], schema: 'schema.json', custom: true }
	]
} as unknown as Package;

test('a form without changes changes nothing', () => {
	expect(writeCard(about, readCard(about), 'birds')).toEqual(about);
	expect(cardChange(about, writeCard(about, readCard(about), 'birds'))).toEqual({ set: {}, removed: [] });
	const odd = { name: 'x', title: 7, keywords: 'no list', licenses: [], resources: ['not an object'], contributors: null, description: ' spaces ' } as unknown as Package;
	expect(writeCard(odd, readCard(odd), 'x')).toEqual(odd);
	// Without a package there is a minimal one.
	expect(writeCard(null, readCard(null), 'Birds')).toEqual({ name: 'birds', resources: [] });
});

test('changes keep everything that the form does not know', () => {
	const card = readCard(about);
	card.title = ' Birds of the north ';
	card.citation = 'Ada (2026)';
	card.keywords = 'owls,  tits , owls,';
	const [first, second] = card.contributors;
	if (first) first.role = 'author';
	if (second) second.organization = 'Museum';
	card.contributors.push(newContributor(), { ...newContributor(), title: 'Cy', role: 'author' });
	card.sources = [];
	const column = card.tables[0]?.columns[0];
	const speed = card.tables[0]?.columns[1];
	if (column) [column.description, column.unit] = ['number of the count', '1'];
	if (speed) speed.unit = 'km/h';
	const after = writeCard(about, card, 'birds');
	expect(cardChange(about, after)).toEqual({
		set: {
			title: 'Birds of the north',
			citation: 'Ada (2026)',
			keywords: ['owls', 'tits'],
			contributors: [{ title: 'Ada', roles: ['author'], orcid: '0000' }, { title: 'Ben', role: 'collector', organization: 'Museum' }, { title: 'Cy', role: 'author' }],
			sources: [],
			resources: [
				{ ...about.resources?.[0], schema: { primaryKey: ['id'], fields: [{ name: 'id', type: 'integer', constraints: { required: true }, description: 'number of the count', unit: '1' }, { name: 'speed', units: 'km/h' }] } },
				about.resources?.[1]
			]
		},
		removed: []
	});
	card.title = '';
	expect(cardChange(about, writeCard(about, card, 'birds')).removed).toEqual(['title']);
	expect(writeCard({ name: 'x', bibliographicCitation: 'Old' } as Package, { ...readCard(null), citation: 'New' }, 'x')).toEqual({ name: 'x', bibliographicCitation: 'New' });
});

test('licences have titles and addresses', () => {
	const card = readCard({ name: 'x' });
	card.licences = [{ ...newLicence(), name: 'odbl-1.0' }, { ...newLicence(), name: 'House rules' }, newLicence()];
	expect(writeCard({ name: 'x' }, card, 'x').licenses).toEqual([
		{ title: 'Open Data Commons Open Database License 1.0', name: 'ODbL-1.0', path: 'https://opendatacommons.org/licenses/odbl/1-0/' },
		{ name: 'House rules' }
	]);
	const other = readCard(about);
	if (other.licences[0]) other.licences[0].name = 'CC0-1.0';
	expect(writeCard(about, other, 'birds').licenses?.[0]).toEqual({ name: 'CC0-1.0', title: 'Creative Commons Zero 1.0', path: 'https://creativecommons.org/publicdomain/zero/1.0/' });
	expect(new Set(LICENCES.map((one) => one.name)).size).toBe(LICENCES.length);
	expect(licenceNamed(' mit ')?.name).toBe('MIT');
});

test('a change by someone else is a conflict only in the same property', () => {
	const card = readCard(about);
	card.title = 'Mine';
	card.sources = [{ ...newSource(), title: 'Other' }];
	const mine = writeCard(about, card, 'birds');
	expect(cardConflicts(about, mine, { ...about, description: 'Theirs' })).toEqual([]);
	expect(cardConflicts(about, mine, { ...about, title: 'Theirs' })).toEqual(['title']);
	expect(cardConflicts(about, mine, { ...about, title: 'Mine' })).toEqual([]);
	expect(cardConflicts(about, mine, null)).toEqual(['title', 'sources']);
	expect(withChange({ ...about, description: 'Theirs' }, cardChange(about, mine))).toMatchObject({ title: 'Mine', description: 'Theirs', sources: [{ title: 'Other' }] });
	expect(withChange({ name: 'x', title: 'a' }, { set: {}, removed: ['title'] })).toEqual({ name: 'x' });
});

test('detected columns keep descriptions', () => {
	const table = tableOf({ name: 't', path: 't.csv', schema: { primaryKey: 'id', fields: [{ name: 'id', description: 'number' }, { name: 'gone' }] } });
	const next = withColumns(table, [{ name: 'id', type: 'integer' }, { name: 'new', type: 'string' }]);
	expect(next.columns.map((column) => [column.name, column.description])).toEqual([['id', 'number'], ['new', '']]);
	const after = writeCard({ name: 'x', resources: [] }, { ...readCard(null), tables: [next] }, 'x');
	expect(after.resources?.[0]).toEqual({ name: 't', path: 't.csv', schema: { primaryKey: 'id', fields: [{ name: 'id', description: 'number' }, { name: 'new', type: 'string' }] } });
});
