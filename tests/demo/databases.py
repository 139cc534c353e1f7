"""PostgreSQL, MariaDB and Redis from Debian's packages, each with a private configuration and data directory."""
import glob
import os
import pathlib
import shutil
import signal
import subprocess

from network import run
from processes import Service

PASSWORD = "loam-demo"


def _own(path, user):
    path.mkdir(parents=True, exist_ok=True)
    shutil.chown(path, user, user)
    return path


def self_signed(directory, name):
    """A key and a certificate for `name`, in PEM; returns both paths."""
    directory.mkdir(parents=True, exist_ok=True)
    key, certificate = directory / f"{name}.key", directory / f"{name}.crt"
    if not certificate.exists():
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", certificate)
    return key, certificate


def postgres_programs():
    """Debian keeps the server's programs out of the path; the newest version wins."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    if not found:
        raise RuntimeError("PostgreSQL is not installed: ./dev installs it")
    return pathlib.Path(found[-1])


class Postgres:
    """`plain` are the (user, address) that must not use TLS, `encrypted` those that must: pg_hba.conf goes by address."""

    def __init__(self, directory, host, plain, encrypted):
        self.data = pathlib.Path(directory) / "postgres"
        self.sockets = self.data.parent / "postgres-socket"
        self.host, self.plain, self.encrypted = host, plain, encrypted
        self.service = Service("postgres", host, [postgres_programs() / "postgres", "-D", self.data], 5432, "postgres", signal.SIGINT)

    def prepare(self):
        _own(self.sockets, "postgres")
        if (self.data / "PG_VERSION").exists():
            return
        _own(self.data, "postgres")
        run("setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", postgres_programs() / "initdb", "-D", self.data,
            "--no-sync", "--locale=C.UTF-8", "-U", "postgres", "--auth-local=peer", "--auth-host=reject", cwd="/")
        key, certificate = self_signed(self.data, self.host.name)
        for path in (key, certificate):
            shutil.chown(path, "postgres", "postgres")
        with open(self.data / "postgresql.conf", "a") as settings:
            settings.write(f"listen_addresses = '*'\nunix_socket_directories = '{self.sockets}'\nfsync = off\nshared_buffers = 16MB\n"
                           f"ssl = on\nssl_cert_file = '{certificate}'\nssl_key_file = '{key}'\n")
        rules = ["local all postgres peer"]
        for kind, allowed in (("hostnossl", self.plain), ("hostssl", self.encrypted)):
            rules += [f"{kind} shop {user} {address}/{'128' if ':' in address else '32'} scram-sha-256" for user, address in allowed]
        (self.data / "pg_hba.conf").write_text("\n".join(rules) + "\n")

    def fill(self):
        """The accounts and one table; nothing when they exist already."""
        psql = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "psql", "-h", self.sockets, "-U", "postgres",
                "-qtA", "-v", "ON_ERROR_STOP=1"]
        if run(*psql, "-c", "select 1 from pg_database where datname = 'shop'", cwd="/").strip():
            return
        run(*psql, cwd="/", input=f"""
            create role frontend login password '{PASSWORD}';
            create role reports login password '{PASSWORD}';
            create database shop;
            \\c shop
            create table orders (id serial primary key, item text not null, amount integer not null);
            insert into orders (item, amount) select 'item ' || n, n from generate_series(1, 100) n;
            grant select, insert on orders to frontend, reports;
        """)


class MariaDb:
    """`accounts` maps a user to the one address that it may come from."""

    def __init__(self, directory, host, accounts):
        self.data = pathlib.Path(directory) / "mariadb"
        self.accounts = accounts
        self.service = Service("mariadb", host, [
            "mariadbd", "--no-defaults", f"--datadir={self.data}", f"--socket={self.data}/socket", f"--pid-file={self.data}/pid", f"--tmpdir={self.data}",
            f"--init-file={self.data}/accounts.sql", "--bind-address=*", "--skip-name-resolve", "--innodb-buffer-pool-size=16M",
            "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0", "--max-connections=500"], 3306, "mysql")

    def prepare(self):
        if not (self.data / "mysql").is_dir():
            _own(self.data, "mysql")
            run("mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={self.data}", f"--tmpdir={self.data}", "--skip-test-db",
                "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=16M", cwd="/")
        lines = ["create database if not exists shop;",
                 "create table if not exists shop.stock (id integer primary key, item varchar(40) not null);",
                 "insert ignore into shop.stock values (1, 'soil'), (2, 'clay'), (3, 'sand');"]
        for user, address in self.accounts:
            lines += [f"create user if not exists '{user}'@'{address}' identified by '{PASSWORD}';",
                      f"grant select, insert on shop.* to '{user}'@'{address}';"]
        (self.data / "accounts.sql").write_text("\n".join(lines) + "\n")


class Redis:
    def __init__(self, directory, host):
        self.data = pathlib.Path(directory) / "redis"
        self.service = Service("redis", host, [
            "redis-server", "--port", 6379, "--bind", "*", "-::*", "--protected-mode", "no", "--save", "", "--appendonly", "no",
            "--dir", self.data, "--daemonize", "no"], 6379, "redis")

    def prepare(self):
        _own(self.data, "redis")
