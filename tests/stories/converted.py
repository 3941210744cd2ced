"""Compares Parquet files of a clone with the tables that they were made from: `converted.py TABLE PARQUET COMMIT …`."""

import json
import sys

import pandas
import pandas.testing
import pyarrow.parquet


def compare(table, parquet, commit):
    # As the same numbers: by default, pandas reads some in the last digit only nearly.
    read = {
        "csv": lambda path: pandas.read_csv(path, float_precision="round_trip"),
        "jsonl": lambda path: pandas.read_json(path, lines=True, precise_float=True),
    }
    expected, found = read[table.rsplit(".", 1)[1]](table), pandas.read_parquet(parquet)
    assert list(found.columns) == list(expected.columns), (list(found.columns), list(expected.columns))
    for name in expected.columns:
        if pandas.api.types.is_datetime64_any_dtype(found[name]) or pandas.api.types.is_object_dtype(found[name]):
            left, right = found[name].astype("string"), expected[name].astype("string")
            if pandas.api.types.is_datetime64_any_dtype(found[name]):
                right = pandas.to_datetime(expected[name], utc=True).dt.tz_localize(None).astype("string")
                left = found[name].dt.tz_localize(None).astype("string")
        else:
            left, right = found[name], expected[name]
        pandas.testing.assert_series_equal(left, right, check_dtype=False, check_exact=True)
    file = pyarrow.parquet.ParquetFile(parquet)
    metadata = {key.decode(): json.loads(value) for key, value in file.metadata.metadata.items() if key.startswith(b"rutter.")}
    assert [field["name"] for field in metadata["rutter.schema"]["fields"]] == list(expected.columns), metadata
    assert metadata["rutter.sources"] == [f"ada/data@{commit}/{table}"], metadata
    for group in range(file.metadata.num_row_groups):
        assert file.metadata.row_group(group).num_rows <= 131072
        for column in range(file.metadata.num_columns):
            chunk = file.metadata.row_group(group).column(column)
            assert chunk.compression == "ZSTD" and chunk.has_offset_index and chunk.has_column_index, chunk


arguments = sys.argv[1:]
assert arguments and len(arguments) % 3 == 0
for first in range(0, len(arguments), 3):
    compare(*arguments[first:first + 3])
