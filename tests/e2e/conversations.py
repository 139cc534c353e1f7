"""Conversations as bytes: who sends what, in order. The receiver of a step has every byte of it before the next step starts.

A step is (side, bytes), side "C" or "S"; FIN in the place of bytes half-closes that side.
"""
FIN = None

CHUNKED = (b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
           b"5;name=value;q=\"a;b\"\r\nhello\r\nA ; x\r\n0123456789\r\n0000\r\nX-Sum: 42\r\nx-other:1\r\n\r\n")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"

CONVERSATIONS = {
    "http10": [("C", b"GET / HTTP/1.0\r\n\r\n"), ("S", b"HTTP/1.0 200 OK\r\nServer: x/1\r\n\r\nold"), ("S", FIN), ("C", FIN)],
    "http09": [("C", b"GET /\r\n"), ("S", b"<p>older still"), ("S", FIN)],
    "odd headers": [("C", b"GeT  /a?b=%zz HTTP/1.1\r\nhOsT:x\r\nX-ODD : \t v \r\nx-odd:again\r\nEmpty:\r\nX-Fold: a\r\n  b\r\n\r\n"),
                    ("S", b"HTTP/1.1 299  Fine   thanks\r\ncontent-LENGTH:  0\r\nsET-cOOKIE: a\r\nSet-Cookie: b\r\n\r\n")],
    "bare line feeds": [("C", b"GET / HTTP/1.1\nHost: a\n\n"), ("S", b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx")],
    "pipelining": [("C", b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n" * 50), ("S", OK * 20), ("S", OK * 29 + OK[:10]), ("S", OK[10:])],
    "chunked": [("C", CHUNKED), ("S", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n"), ("S", b"0\r\nT: 1\r\n\r\n")],
    "continue": [("C", b"PUT /f HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"), ("S", b"HTTP/1.1 100 Continue\r\n\r\n"),
                 ("C", b"body"), ("S", OK)],
    "refused continue": [("C", b"PUT /f HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"),
                         ("S", b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"), ("S", FIN), ("C", FIN)],
    "early answer": [("C", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nonly a part"), ("S", OK), ("C", FIN), ("S", FIN)],
    "upgrade": [("C", b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"),
                ("S", b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x02hi"), ("C", b"\x81\x82\0\0\0\0hi"), ("S", b"\x88\x00"), ("S", FIN)],
    "h2c": [("C", PREFACE + SETTINGS), ("S", SETTINGS), ("C", b"\x00\x00\x00\x04\x01\x00\x00\x00\x00"), ("S", FIN)],
    "server first": [("S", b"220 mail ESMTP\r\n"), ("C", b"EHLO a\r\n"), ("S", b"250-mail\r\n250 HELP\r\n"), ("C", b"QUIT\r\n"), ("S", b"221 bye\r\n"), ("S", FIN)],
    "mysql greeting": [("S", b"\x0a\x00\x00\x00\x0a8.0.0\x00\x01\x00\x00\x00"), ("C", b"\xff\xff\xff\xff not a login"), ("S", FIN)],
    "garbage": [("C", bytes(range(256)) * 40), ("S", bytes(reversed(range(256))) * 40), ("C", b"\0" * 5000)],
    "garbage that starts as TLS": [("C", b"\x16\x03\x01\xff\xff" + b"\x01" * 3000), ("S", b"\x15\x03\x01\x00\x02\x02\x32"), ("S", FIN)],
    "garbage that starts as PostgreSQL": [("C", b"\x00\x00\x00\x08\x04\xd2\x16\x2f"), ("S", b"S"), ("C", b"\x7f\xff\xff\xff" * 100), ("S", b"N" * 9)],
    "garbage that starts as Redis": [("C", b"*99999999\r\n$-7\r\n:\r\n"), ("S", b"-ERR\r\n"), ("C", b"$536870912\r\n" + b"x" * 9000)],
    "PROXY preface": [("C", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), ("S", OK)],
    "client half-close": [("C", b"all I say"), ("C", FIN), ("S", b"x" * 100000), ("S", b"and more"), ("S", FIN)],
    "server half-close": [("C", b"hello"), ("S", b"all I say"), ("S", FIN), ("C", b"y" * 100000), ("C", b"and more"), ("C", FIN)],
    "nothing at all": [("C", FIN), ("S", FIN)],
    "server ends first without a word": [("S", FIN), ("C", FIN)],
}
