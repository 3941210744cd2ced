/**
 * Incremental SHA-256 (FIPS 180-4) in WebAssembly. `crypto.subtle` cannot hash incrementally, so it would need the whole
 * file in memory. The module is assembled here on first use, with all 64 rounds unrolled and a SIMD message schedule: 9 KB
 * without a toolchain, a file to load or a dependency. Faster than the usual libraries: see `ui/sdk/README.md`.
 */

/** Memory layout of the module: the hash state comes first. */
const STATE = 0;
/** The words of a block plus round constants, passed from the vector code to the rounds. */
const WORDS = 64;
/** Input buffer. */
const INPUT = 1024;
/** Size (bytes) of the input buffer. */
const ROOM = 1 << 20;
const PAGES = (INPUT + ROOM) / 65536 + 1;

const ROUNDS = constants(64, 1 / 3);
const START = constants(8, 1 / 2);

let compiled: Promise<WebAssembly.Module> | undefined;

/** An incremental hasher. */
export class Sha256 {
	readonly #memory: Uint8Array;
	readonly #view: DataView;
	readonly #blocks: (count: number) => void;
	/** Bytes of an incomplete block. */
	readonly #rest = new Uint8Array(64);
	#length = 0;

	private constructor(exports: WebAssembly.Exports) {
		const memory = (exports.memory as WebAssembly.Memory).buffer;
		this.#memory = new Uint8Array(memory);
		this.#view = new DataView(memory);
		this.#blocks = exports.blocks as (count: number) => void;
		this.reset();
	}

	/** Throws a `CompileError` if the content security policy blocks WebAssembly (it requires `script-src 'wasm-unsafe-eval'`). */
	static async create(): Promise<Sha256> {
		compiled ??= WebAssembly.compile(assemble() as BufferSource);
		const instance = await WebAssembly.instantiate(await compiled);
		return new Sha256(instance.exports);
	}

	/** Resets the hasher for a new message. */
	reset(): this {
		START.forEach((word, index) => this.#view.setUint32(STATE + 4 * index, word, true));
		this.#length = 0;
		return this;
	}

	update(bytes: Uint8Array): this {
		const held = this.#length % 64;
		this.#length += bytes.length;
		let from = 0;
		if (held > 0) {
			from = Math.min(64 - held, bytes.length);
			this.#rest.set(bytes.subarray(0, from), held);
			if (held + from < 64) return this;
			this.#memory.set(this.#rest, INPUT);
			this.#blocks(1);
		}
		while (bytes.length - from >= 64) {
			const count = Math.min(Math.floor((bytes.length - from) / 64), ROOM / 64);
			this.#memory.set(bytes.subarray(from, from + count * 64), INPUT);
			this.#blocks(count);
			from += count * 64;
		}
		this.#rest.set(bytes.subarray(from));
		return this;
	}

	/** Returns the hash in hexadecimal. Call {@link reset} before the next `update`. */
	hex(): string {
		const held = this.#length % 64;
		const blocks = held < 56 ? 1 : 2;
		const last = new Uint8Array(blocks * 64);
		last.set(this.#rest.subarray(0, held));
		last[held] = 0x80;
		new DataView(last.buffer).setBigUint64(last.length - 8, BigInt(this.#length) * 8n);
		this.#memory.set(last, INPUT);
		this.#blocks(blocks);
		let hex = '';
		for (let word = 0; word < 8; word++) hex += this.#view.getUint32(STATE + 4 * word, true).toString(16).padStart(8, '0');
		return hex;
	}
}

/** Returns the first 32 bits of the fractional parts of roots of the first primes. */
function constants(count: number, power: number): number[] {
	const primes: number[] = [];
	for (let number = 2; primes.length < count; number++) {
		if (primes.every((prime) => number % prime !== 0)) primes.push(number);
	}
	return primes.map((prime) => Math.floor((prime ** power % 1) * 2 ** 32));
}

/**
 * Assembles the module with its one function `blocks(count)`, which hashes blocks from `INPUT` into the state. WebAssembly
 * is a stack machine; each helper emits code that leaves one value on the stack.
 */
function assemble(): Uint8Array {
	type Code = number[];
	const leb = (value: number): Code => {
		const bytes = [];
		for (;;) {
			const low = value & 0x7f;
			value >>= 7;
			if ((value === 0 && !(low & 0x40)) || (value === -1 && low & 0x40)) return [...bytes, low];
			bytes.push(low | 0x80);
		}
	};
	const uleb = (value: number): Code => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...uleb(value >>> 7)]);
	const simd = (operation: number): Code => [0xfd, ...uleb(operation)];

	// Parameter 0 is the count; then i32 locals, then vectors.
	const [count, place] = [0, 1];
	const state = (index: number) => 2 + index;
	const [first, second] = [10, 11];
	const vector = (index: number) => 12 + index;
	const rotated = 16;
	// `a ^ b` of this round is `b ^ c` of the next.
	const differ = (round: number) => 17 + (round % 2);

	const get = (local: number): Code => [0x20, ...uleb(local)];
	const set = (local: number): Code => [0x21, ...uleb(local)];
	const tee = (local: number): Code => [0x22, ...uleb(local)];
	const number = (value: number): Code => [0x41, ...leb(value | 0)];
	const add = (left: Code, right: Code): Code => [...left, ...right, 0x6a];
	const and = (left: Code, right: Code): Code => [...left, ...right, 0x71];
	const xor = (left: Code, right: Code): Code => [...left, ...right, 0x73];
	const rotate = (value: Code, bits: number): Code => [...value, ...number(bits), 0x78];
	const load = (offset: number): Code => [...number(0), 0x28, 2, ...uleb(offset)];
	const store = (offset: number, value: Code): Code => [...number(0), ...value, 0x36, 2, ...uleb(offset)];

	const vectors = {
		load: (address: Code, offset: number): Code => [...address, ...simd(0), 0, ...uleb(offset)],
		store: (offset: number, value: Code): Code => [...number(0), ...value, ...simd(11), 0, ...uleb(offset)],
		constant: (words: number[]): Code => [...simd(12), ...words.flatMap((word) => [word, word >>> 8, word >>> 16, word >>> 24].map((byte) => byte & 255))],
		shuffle: (left: Code, right: Code, lanes: number[]): Code => [...left, ...right, ...simd(13), ...lanes],
		xor: (left: Code, right: Code): Code => [...left, ...right, ...simd(81)],
		or: (left: Code, right: Code): Code => [...left, ...right, ...simd(80)],
		add: (left: Code, right: Code): Code => [...left, ...right, ...simd(174)],
		left: (value: Code, bits: number): Code => [...value, ...number(bits), ...simd(171)],
		right: (value: Code, bits: number): Code => [...value, ...number(bits), ...simd(173)],
		rightDouble: (value: Code, bits: number): Code => [...value, ...number(bits), ...simd(205)],
		pick: (value: Code, bytes: number[]): Code => [...value, ...simd(12), ...bytes, ...simd(14)]
	};
	const lanes = (...words: number[]) => words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte));
	const turn = (value: Code, bits: number): Code => vectors.or(vectors.right(value, bits), vectors.left(value, 32 - bits));
	const sigma0 = (value: Code): Code => vectors.xor(vectors.xor(turn(value, 7), turn(value, 18)), vectors.right(value, 3));
	// For words that are duplicated into both halves of 64 bits: the low half of the shifted value is the rotated word.
	const sigma1 = (twice: Code): Code =>
		vectors.xor(vectors.xor(vectors.rightDouble(twice, 17), vectors.rightDouble(twice, 19)), vectors.right(twice, 10));
	const lows = [0, 1, 2, 3, 8, 9, 10, 11];
	const zeros = new Array<number>(8).fill(0x80);

	const body: Code = [...number(INPUT), ...set(place)];
	for (let index = 0; index < 8; index++) body.push(...load(STATE + 4 * index), ...set(state(index)));
	body.push(0x03, 0x40); // loop
	body.push(...xor(get(state(1)), get(state(2))), ...set(differ(1)));
	const swapped = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
	for (let index = 0; index < 4; index++) {
		const words = vectors.load(get(place), 16 * index);
		body.push(...words, ...tee(vector(index)), ...vectors.shuffle([], get(vector(index)), swapped), ...set(vector(index)));
	}
	for (let group = 0; group < 16; group++) {
		const at = (offset: number) => vector((group + offset) % 4);
		// Store the words of this group plus constants, then compute the group four steps ahead in their place.
		const words = vectors.add(get(at(0)), vectors.constant(ROUNDS.slice(4 * group, 4 * group + 4)));
		body.push(...vectors.store(WORDS + 16 * group, words));
		if (group < 12) {
			// w[t] = w[t-16] + σ0(w[t-15]) + w[t-7] + σ1(w[t-2]): the last of them two words at a time.
			body.push(...vectors.shuffle(get(at(0)), get(at(1)), lanes(1, 2, 3, 4)), ...set(rotated));
			const known = vectors.add(get(at(0)), sigma0(get(rotated)));
			body.push(...vectors.add(known, vectors.shuffle(get(at(2)), get(at(3)), lanes(1, 2, 3, 4))), ...set(at(0)));
			body.push(...vectors.shuffle(get(at(3)), get(at(3)), lanes(2, 2, 3, 3)), ...set(rotated));
			body.push(...vectors.add(get(at(0)), vectors.pick(sigma1(get(rotated)), [...lows, ...zeros])), ...set(at(0)));
			body.push(...vectors.shuffle(get(at(0)), get(at(0)), lanes(0, 0, 1, 1)), ...set(rotated));
			body.push(...vectors.add(get(at(0)), vectors.pick(sigma1(get(rotated)), [...zeros, ...lows])), ...set(at(0)));
		}
		for (let lane = 0; lane < 4; lane++) {
			const round = 4 * group + lane;
			const [a, b, , d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => state((index + 64 - round) % 8)) as [number, number, number, number, number, number, number, number];
			const sum1 = xor(xor(rotate(get(e), 6), rotate(get(e), 11)), rotate(get(e), 25));
			const choice = xor(get(g), and(get(e), xor(get(f), get(g))));
			body.push(...add(add(add(get(h), load(WORDS + 4 * round)), choice), sum1), ...set(first));
			body.push(...add(get(d), get(first)), ...set(d));
			// Rotations by 2, 13 and 22 as nested rotations: fewer copies, and unlike `sum1` this is not on the critical path.
			const sum0 = rotate(xor(rotate(xor(rotate(get(a), 9), get(a)), 11), get(a)), 2);
			const majority = xor(get(b), and([...xor(get(a), get(b)), ...tee(differ(round))], get(differ(round + 1))));
			body.push(...add(add(get(first), majority), sum0), ...set(h));
		}
	}
	for (let index = 0; index < 8; index++) {
		body.push(...add(get(state(index)), load(STATE + 4 * index)), ...tee(state(index)), ...set(second));
		body.push(...store(STATE + 4 * index, get(second)));
	}
	body.push(...add(get(place), number(64)), ...set(place));
	body.push(...add(get(count), number(-1)), ...tee(count), 0x0d, 0); // br_if 0
	body.push(0x0b, 0x0b); // end of the loop, end of the function

	const sized = (bytes: Code): Code => [...uleb(bytes.length), ...bytes];
	const section = (id: number, bytes: Code): Code => [id, ...sized(bytes)];
	const name = (text: string): Code => sized([...new TextEncoder().encode(text)]);
	const [i32, v128] = [0x7f, 0x7b];
	const locals: Code = [3, ...uleb(11), i32, ...uleb(5), v128, ...uleb(2), i32];
	return new Uint8Array([
		...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
		...section(1, [1, 0x60, 1, i32, 0]),
		...section(3, [1, 0]),
		...section(5, [1, 1, ...uleb(PAGES), ...uleb(PAGES)]),
		...section(7, [2, ...name('memory'), 2, 0, ...name('blocks'), 0, 0]),
		...section(10, [1, ...sized([...locals, ...body])])
	]);
}
