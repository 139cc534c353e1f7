"""Secrets that are looked for in every byte that Loam wrote or says, in any form that it may have kept them in."""
import base64
import contextlib
import json
import pathlib
import time
import zlib

from loam import UnixConnection


class Canaries:
    """Secrets that stand nowhere else, by what they are; each can be found in any form that a program may have kept it in."""

    def __init__(self):
        self.secrets = {}

    def new(self, what):
        secret = f"c4n4ry{len(self.secrets):02d}{zlib.crc32(f'{what}{time.time_ns()}'.encode()):08x}"
        self.note(what, secret)
        return secret

    def note(self, what, secret):
        """One that was made elsewhere: text, or the bytes of a key."""
        self.secrets[what] = secret if isinstance(secret, bytes) else secret.encode()

    def found_in(self, data):
        """Names of those that are in the bytes: as they are, in hex, or inside base64 of any alignment."""
        folded = data.lower()
        unfolded = data.replace(b"\\n", b"").replace(b"\n", b"")  # PEM breaks its lines, and JSON writes how
        return [what for what, secret in self.secrets.items()
                if any(form in folded for form in (secret.lower(), secret.hex().encode()))
                or any(form in run for form in inside_base64(secret) for run in (data, unfolded))]


def inside_base64(secret):
    """What base64 makes of the secret's middle, for each of the three places where it may begin, in both alphabets."""
    for shift in range(3):
        for encoded in (base64.b64encode, base64.urlsafe_b64encode):
            yield encoded(b"\0" * shift + secret)[4:-4]


def files_below(*roots):
    return [path for root in roots for path in pathlib.Path(root).rglob("*") if path.is_file() and not path.is_symlink()]


def ask(socket_path, method, path, body=None, token=None):
    connection = UnixConnection(socket_path)
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
