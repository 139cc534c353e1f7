"""What a MariaDB client does with PyMySQL, text and binary protocol: prints "ok errors" at the end."""
import struct
import sys
import tempfile

import pymysql
from pymysql.constants import CLIENT, COMMAND

ok = errors = 0
connection = pymysql.connect(host="127.0.0.1", port=int(sys.argv[1]), user="root", local_infile=True, autocommit=None,
                             client_flag=CLIENT.MULTI_STATEMENTS)
cursor = connection.cursor()


def good(sql):
    global ok
    cursor.execute(sql)
    ok += 1
    while cursor.nextset():
        pass


def bad(sql):
    global errors
    try:
        cursor.execute(sql)
        while cursor.nextset():
            pass
    except pymysql.Error:
        errors += 1
    else:
        raise SystemExit("did not fail: " + sql)


good("create database shop")
connection.select_db("shop")
ok += 1
good("create table items (id int primary key, name text)")
good("insert into items select seq, concat('item ', seq) from seq_1_to_5000")
good("select * from items")
assert cursor.rowcount == 5000
good("select 1; select 2; do 3; select 4")
bad("select 1; selec; select 4")
bad("select * from nothing")
good("create procedure p() begin select 1; select 2; end")
good("call p()")
good("set global max_allowed_packet = 1073741824")
good("select repeat('x', 15000000)")
connection.ping(reconnect=False)
ok += 1
with tempfile.NamedTemporaryFile("w") as rows:
    rows.write("".join("%d\tloaded\n" % n for n in range(6000, 9000)))
    rows.flush()
    good("load data local infile '%s' into table items" % rows.name)


def packets_until_end():
    """Reads packets until an EOF or an error, as text rows end without CLIENT_DEPRECATE_EOF."""
    while True:
        packet = connection._read_packet()
        if packet.is_eof_packet():
            return


def prepare(sql):
    connection._execute_command(COMMAND.COM_STMT_PREPARE, sql)
    head = connection._read_packet().get_all_data()
    statement, columns, parameters = struct.unpack("<xIHH", head[:9])
    for count in (parameters, columns):
        if count:
            packets_until_end()
    return statement


def execute(statement, cursor_type=0):
    connection._execute_command(COMMAND.COM_STMT_EXECUTE, struct.pack("<IBI", statement, cursor_type, 1))
    connection._read_packet()


statement = prepare("select * from items")
ok += 1
execute(statement)
packets_until_end()
packets_until_end()
ok += 1
execute(statement, 1)
packets_until_end()
ok += 1
connection._execute_command(COMMAND.COM_STMT_FETCH, struct.pack("<II", statement, 10))
packets_until_end()
ok += 1
connection._execute_command(COMMAND.COM_STMT_RESET, struct.pack("<I", statement))
connection._read_packet()
ok += 1
connection._execute_command(COMMAND.COM_STMT_CLOSE, struct.pack("<I", statement))
try:
    prepare("selec")
except pymysql.Error:
    errors += 1
connection._execute_command(COMMAND.COM_STATISTICS, b"")
connection._read_packet()
ok += 1
connection._execute_command(COMMAND.COM_FIELD_LIST, b"items\0%")
packets_until_end()
ok += 1
good("select 1")
connection.close()
print(ok, errors)
