"""Tables over Arrow Flight: with pyarrow, and in its newest version also with ADBC's driver for Flight SQL and polars."""

import datetime
import os
import pathlib
import time

import pyarrow
import pyarrow.csv
import pyarrow.flight as flight
import requests

SERVER, FIXTURES = os.environ["SERVER"], pathlib.Path(os.environ["FIXTURES"])
TOKEN, OTHER_TOKEN, NAME = os.environ["TOKEN"], os.environ["OTHER_TOKEN"], os.environ["CLIENT"]
GRPC = SERVER.replace("http://", "grpc+tcp://")
DATASET = f"ada/{NAME}"


def call(method, path, token=TOKEN, **more):
    headers = {"Authorization": f"Bearer {token}"}
    response = requests.request(method, f"{SERVER}/api/v1/{path}", headers=headers, timeout=120, **more)
    assert response.status_code in (200, 201, 204), (method, path, response.status_code, response.text[:1000])
    return response


def refused(error, function, *arguments, **more):
    try:
        function(*arguments, **more)
    except error as refusal:
        return str(refusal)
    raise AssertionError(f"{function} {arguments} was not refused")


def options(client, name, token):
    return flight.FlightCallOptions(headers=[client.authenticate_basic_token(name, token)])


def fetch(client, info, caller):
    return client.do_get(info.endpoints[0].ticket, caller).read_all()


def with_pyarrow():
    client = flight.connect(GRPC)
    ada, ben = options(client, "ada", TOKEN), options(client, "ben", OTHER_TOKEN)
    plain = flight.FlightCallOptions(headers=[(b"authorization", f"Bearer {TOKEN}".encode())])
    stations = flight.FlightDescriptor.for_path(f"{DATASET}@v1.0", "stations.csv")
    expected = pyarrow.csv.read_csv(FIXTURES / "air-quality/stations.csv")
    for caller in (ada, plain):
        info = client.get_flight_info(stations, caller)
        assert info.schema.names == expected.column_names, info.schema
        assert client.get_schema(stations, caller).schema.equals(info.schema)
        table = fetch(client, info, caller)
        assert table.to_pylist() == expected.to_pylist()
        assert table.schema.equals(info.schema)
    # The schema names the commits.
    commit = call("GET", f"datasets/{DATASET}/rows/v1.0/stations.csv?limit=1").json()["commit"]
    assert commit.encode() in table.schema.metadata[b"rutter.query"], table.schema.metadata

    # A large table in many batches: the same as the rows that the API returns.
    readings = flight.FlightDescriptor.for_path(DATASET, "big.csv")
    reader = client.do_get(client.get_flight_info(readings, ada).endpoints[0].ticket, ada)
    batches = [chunk.data for chunk in reader]
    assert len(batches) > 2 and sum(batch.num_rows for batch in batches) == 50_000, len(batches)
    table = pyarrow.Table.from_batches(batches)
    assert table["id"].to_pylist() == list(range(50_000))
    assert table["at"][1].as_py() == datetime.date(2026, 1, 2)

    def listed(caller):
        return {tuple(part.decode() for part in info.descriptor.path) for info in client.list_flights(b"", caller)}

    for _ in range(100):
        if (DATASET, "stations.csv") in listed(ada):
            break
        time.sleep(0.1)
    assert {(DATASET, "stations.csv"), (DATASET, "big.csv"), (DATASET, "empty.csv")} <= listed(ada)
    assert not listed(ben) and not listed(flight.FlightCallOptions())
    empty = fetch(client, client.get_flight_info(flight.FlightDescriptor.for_path(DATASET, "empty.csv"), ada), ada)
    assert empty.num_rows == 0 and empty.column_names == ["a", "b"]

    ticket = info.endpoints[0].ticket
    for caller, error in [(ben, flight.FlightUnauthorizedError), (flight.FlightCallOptions(), flight.FlightUnauthorizedError)]:
        refused(error, lambda: client.do_get(ticket, caller).read_all())
    forged = flight.Ticket(ticket.ticket[:-1] + bytes([ticket.ticket[-1] ^ 1]))
    refused(flight.FlightUnauthenticatedError, lambda: client.do_get(forged, ada).read_all())
    refused(KeyError, client.get_flight_info, stations, ben)
    refused(flight.FlightUnauthenticatedError, client.get_flight_info, stations)
    refused(flight.FlightUnauthenticatedError, client.authenticate_basic_token, "ada", "wrong")
    assert {action.type for action in client.list_actions(ada)} == {"CreatePreparedStatement", "ClosePreparedStatement"}
    client.close()


def with_adbc():
    import adbc_driver_flightsql.dbapi as dbapi
    import adbc_driver_manager
    import polars

    grpc = SERVER.replace("http://", "grpc://")
    with dbapi.connect(grpc, db_kwargs={"adbc.flight.sql.authorization_header": f"Bearer {TOKEN}"}, autocommit=True) as open_:
        info = open_.adbc_get_info()
        assert info["vendor_name"] == "rutter", info
        expected = pyarrow.csv.read_csv(FIXTURES / "air-quality/stations.csv")
        with open_.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{DATASET}"."stations.csv"')
            assert cursor.fetch_arrow_table().to_pylist() == expected.to_pylist()
            cursor.execute(f'SELECT id, name FROM "{DATASET}"."big.csv" WHERE id >= $1 AND name <> $2 ORDER BY id LIMIT 2', (7, "n8"))
            assert cursor.fetchall() == [(7, "n7"), (9, "n9")]
            # The same statement with other values.
            cursor.execute(f'SELECT id, name FROM "{DATASET}"."big.csv" WHERE id >= $1 AND name <> $2 ORDER BY id LIMIT 2', (49_999, ""))
            assert cursor.fetchall() == [(49_999, "n49999")]
            for value in (None, True, 1.5, "text ü"):
                cursor.execute("SELECT $1 AS v", (value,))
                assert cursor.fetchone() == (value,), value
            cursor.execute(f'SELECT count(*) FROM "{DATASET}"."big.csv" WHERE at = $1', (datetime.date(2026, 1, 2),))
            assert cursor.fetchone()[0] > 0
            for statement in (f'INSERT INTO "{DATASET}"."big.csv" VALUES (1)', "DROP TABLE x", "SELEC 1"):
                refused(adbc_driver_manager.Error, cursor.execute, statement)
            cursor.execute("SELECT 1 AS one")
            assert cursor.fetchall() == [(1,)], "the connection is usable"
            missing = refused(adbc_driver_manager.Error, cursor.execute, 'SELECT * FROM "ada/none"."x.csv"')
            assert "ada/none" in missing or "not" in missing, missing

        def schemas(depth, **filters):
            found = open_.adbc_get_objects(depth=depth, **filters).read_all().to_pylist()
            assert [catalog["catalog_name"] for catalog in found] == ["rutter"], found
            return found[0]["catalog_db_schemas"]

        assert not schemas("catalogs")
        names = [schema["db_schema_name"] for schema in schemas("db_schemas")]
        assert DATASET in names, names
        (own,) = schemas("tables", db_schema_filter=DATASET)
        tables = {table["table_name"]: table for table in own["db_schema_tables"]}
        assert {"stations.csv", "big.csv", "empty.csv"} <= set(tables), tables
        (own,) = schemas("all", db_schema_filter=DATASET, table_name_filter="big.csv")
        (table,) = own["db_schema_tables"]
        columns = [column["column_name"] for column in table["table_columns"]]
        assert columns == ["id", "name", "at"], columns
        assert open_.adbc_get_table_types() == ["TABLE"]
        schema = open_.adbc_get_table_schema("big.csv", db_schema_filter=DATASET)
        assert schema.names == ["id", "name", "at"], schema

        frame = polars.read_database(f'SELECT id, at FROM "{DATASET}"."big.csv" WHERE id < 10', open_)
        assert frame["id"].to_list() == list(range(10)), frame

    basic = {"username": "ada", "password": TOKEN}
    with dbapi.connect(grpc, db_kwargs=basic, autocommit=True) as open_, open_.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{DATASET}"."big.csv"')
        assert cursor.fetchone() == (50_000,)
    for wrong in ({"username": "ada", "password": "wrong"}, {"adbc.flight.sql.authorization_header": "Bearer rut_wrong"}):

        def attempt():
            with dbapi.connect(grpc, db_kwargs=wrong, autocommit=True) as other, other.cursor() as cursor:
                cursor.execute("SELECT 1")

        refused(adbc_driver_manager.Error, attempt)


call("POST", "datasets", json={"id": DATASET, "visibility": "private"})
days = [datetime.date(2026, 1, 1) + datetime.timedelta(days=number % 28) for number in range(50_000)]
big = "id,name,at\n" + "".join(f"{number},n{number},{days[number]}\n" for number in range(50_000))
call("PUT", f"drive/{DATASET}/files/big.csv", data=big)
call("PUT", f"drive/{DATASET}/files/empty.csv", data="a,b\n")
call("PUT", f"drive/{DATASET}/files/stations.csv", data=(FIXTURES / "air-quality/stations.csv").read_bytes())
call("POST", f"datasets/{DATASET}/tags", json={"name": "v1.0"})
with_pyarrow()
if NAME == "new":
    with_adbc()
