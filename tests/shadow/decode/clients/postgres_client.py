"""What a PostgreSQL client does with psycopg2, and what it expects to be counted: prints "ok errors" at the end."""
import io
import sys

import psycopg2

port = int(sys.argv[1])
ok = errors = 0
connection = psycopg2.connect(host="127.0.0.1", port=port, user="loam", dbname="postgres", sslmode="disable",
                              gssencmode="disable")
connection.autocommit = True
cursor = connection.cursor()


def good(sql):
    global ok
    cursor.execute(sql)
    ok += 1


def bad(sql):
    global errors
    try:
        cursor.execute(sql)
    except psycopg2.Error:
        errors += 1
    else:
        raise SystemExit("did not fail: " + sql)


good("create table items (id int primary key, name text)")
good("insert into items select n, 'item ' || n from generate_series(1, 5000) n")
good("select * from items")
assert len(cursor.fetchall()) == 5000
good("select 1; select 2; select 3")
bad("select 1; select 1/0; select 3")
bad("selec 1")
good("select repeat('x', 5000000)")
good("prepare p as select $1::int")
good("execute p(1)")
bad("execute p('x')")
good("do $$ begin raise notice 'hello'; end $$")
good("listen news")
good("notify news, 'x'")
cursor.copy_expert("copy items from stdin with csv", io.StringIO("".join("%d,copied\n" % n for n in range(6000, 9000))))
ok += 1
out = io.StringIO()
cursor.copy_expert("copy items to stdout", out)
ok += 1
assert out.getvalue().count("\n") == 8000
try:
    cursor.copy_expert("copy items from stdin with csv", io.StringIO("not a number,x\n" * 100000))
except psycopg2.Error:
    errors += 1
good("begin")
good("declare c cursor for select * from items")
good("fetch 10 from c")
bad("select nothing")
bad("select 1")
good("rollback")
bad("select pg_terminate_backend(pg_backend_pid())")
print(ok, errors)
