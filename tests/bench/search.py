"""Search where there is much to find: over HTTP, in an installation of very many datasets."""

import hashlib
import json
import random
import sys
from urllib.parse import urlencode

from machine import CACHE, median, python_with, run
from versions import Api, at, milliseconds

# The index of words needs SQLite 3.43, which Python's own may not be.
PACKAGES = ["apsw==3.50.4.0"]
OWNERS, KEYWORDS, WORDS, BATCH = 200, 500, 30_000, 10_000
FORMATS, LICENSES = ["csv", "parquet", "json", "geojson", "xlsx"], ["cc-by-4.0", "cc0-1.0", "odbl", "proprietary"]
SYLLABLES = [start + end for start in "bdfgklmnprtv" for end in ("a", "e", "i", "o", "u")]


def word(number):
    """A word; the first ones are the commonest."""
    text = ""
    for _ in range(3):
        number, syllable = divmod(number * 7 + 11, len(SYLLABLES))
        text += SYLLABLES[syllable]
    return f"{text}{number}"


def some_word(random):
    """As in any language, the n-th word comes 1/n as often as the first."""
    return word(int(WORDS ** random.random()))


def value(kind, text):
    """The word under which a value to filter by is found."""
    return f"{kind}=" + hashlib.sha256(text.encode()).hexdigest()[:32]


def datasets(count, owners, random):
    """Rows of datasets, as looking at them leaves them: a title of 4 words, a description of 40, 20 columns."""
    for index in range(count):
        id, owner = f"{index:08x}" + random.randbytes(12).hex(), random.choice(owners)
        keywords = [f"{word(int(KEYWORDS ** random.random()))}" for _ in range(3)]
        file, license = random.choice(FORMATS), random.choice(LICENSES)
        name, title = f"data-{index}", [some_word(random) for _ in range(4)]
        text = [some_word(random) for _ in range(60)]
        words = [part for once in (*title, name.split("-")[0]) for part in (f"={once}", once)]
        words += [value("o", owner), value("f", file), value("l", license), *(value("k", each) for each in keywords)]
        words += [*keywords, *text]
        card = {"title": " ".join(title), "description": " ".join(text[:40]), "keywords": keywords, "formats": [file],
                "licenses": [license]}
        facets = "".join(f"\x1f{part}" for part in (*(f"k{each}" for each in keywords), f"f{file}", f"l{license}"))
        then = 1_700_000_000 + index
        yield (id, owner, name, random.choice(["public", "internal", "private"]), then * 1000,
               then << 30 | random.getrandbits(30), json.dumps(card), facets, " ".join(dict.fromkeys(words)))


def fill(database, count):
    import apsw  # of an environment of its own

    # Rows only: what is searched is all in them.
    tables = apsw.Connection(database)
    tables.set_busy_timeout(60_000)
    with tables:
        owners = [f"{number:08x}" + "0" * 24 for number in range(OWNERS)]
        tables.executemany("INSERT INTO owner (id, name, kind, created_at) VALUES (?, ?, 'organisation', 0)",
                           ((owner, f"owner-{number}") for number, owner in enumerate(owners)))
        for id, owner, name, visibility, then, number, card, facets, words in datasets(count, owners, random.Random(1)):
            tables.execute("INSERT INTO dataset (id, owner_id, name, visibility, head, protected, generation, gc_epoch,"
                           " store, created_at) VALUES (?, ?, ?, ?, 'refs/heads/main', '[]', 0, 0, 'default', ?)",
                           (id, owner, name, visibility, then))
            tables.execute("INSERT INTO search_card (repo_id, number, generation, changed_at, digest, card)"
                           " VALUES (?, ?, 0, ?, '', ?)", (id, number, then, card))
            tables.execute("INSERT INTO search (number, owner_id, visibility, facets) VALUES (?, ?, ?, ?)",
                           (number, owner, visibility, facets))
            tables.execute("INSERT INTO search_text (rowid, words) VALUES (?, ?)", (number, words))


QUERIES = {
    "a word": lambda random: {"q": some_word(random)},
    "two words": lambda random: {"q": f"{word(1 + random.randrange(30))} {some_word(random)}"},
    "a beginning": lambda random: {"q": some_word(random)[:3] + "*"},
    "a keyword": lambda random: {"keyword": word(int(KEYWORDS ** random.random()))},
    "all": lambda _: {},
}


def measure(server, plan):
    """Milliseconds for the first page and the counts of it."""
    python = python_with(CACHE / "apsw", *PACKAGES)
    run(python, __file__, server.data / "rutter.db", str(plan.datasets), timeout=1800)
    # Not an administrator, who may see everything.
    server.command("user", "add", "reader", "--email", "reader@example.org")
    api = Api(server)
    api.authorization = "Bearer " + server.command("token", "add", "reader", "--name", "bench")
    figures, every = {}, []
    for name, query in QUERIES.items():
        chance, found = random.Random(2), []
        took = milliseconds(20 * plan.rounds, lambda _: api.text("GET", "datasets?" + urlencode(query(chance))),
                            lambda said: found.append(len(json.loads(said)["items"])))
        if sum(found) < len(found):
            raise RuntimeError(f"search for {name} found {found}")
        figures[f"search for {name} ms"] = median(took)
        every += took
    return figures | {"search p99 ms": at(0.99, sorted(every))}


if __name__ == "__main__":
    fill(sys.argv[1], int(sys.argv[2]))
