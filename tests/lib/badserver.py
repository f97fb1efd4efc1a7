# SPDX-License-Identifier: Apache-2.0
"""Servers that no etcd is: each does one thing wrong. Run as a program it is such a server; BadServer starts one.

    bad = BadServer(node, '10.0.9.1', 'huge_header').start()
    bad.connections(), bad.requests()    # how often somebody came

HTTP/2 is written by hand, for what it is for is what no library would write.
"""

import os
import random
import socket
import ssl
import struct
import sys
import threading

from lab import tail
from routers import Server

PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
ACK = END_STREAM = 1
END_HEADERS = 4
FRAME_MAX = 16384
LISTENS = 'listens'
OK = [(':status', '200'), ('content-type', 'application/grpc')]
# A response with nothing but a header of cluster 1, member 1, revision 1: what most calls could answer.
EMPTY = b'\x0a\x06\x08\x01\x10\x01\x18\x01'


def frame(kind, flags, stream, payload=b''):
    return struct.pack('>I', len(payload))[1:] + struct.pack('>BBI', kind, flags, stream) + payload


def number(value, bits):
    """HPACK's integer, with 0 in front of the prefix."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([value])
    out, value = [most], value - most
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def block(fields):
    """Fields as HPACK literals that go into no table."""
    words = [[word.encode('utf-8', 'surrogateescape') for word in field] for field in fields]
    return b''.join(b'\0' + number(len(name), 7) + name + number(len(value), 7) + value for name, value in words)


def headers(stream, fields, flags=0):
    whole = block(fields)
    parts = [whole[at:at + FRAME_MAX] for at in range(0, len(whole), FRAME_MAX)]
    return b''.join(frame(CONTINUATION if i else HEADERS,
                          (0 if i else flags) | (END_HEADERS if i == len(parts) - 1 else 0), stream, part)
                    for i, part in enumerate(parts))


def trailers(stream, status='0', message=None):
    more = [('grpc-message', message)] if message is not None else []
    return headers(stream, [('grpc-status', status), *more], END_STREAM)


def message(body, flag=0, size=None):
    return struct.pack('>BI', flag, len(body) if size is None else size) + body


def answer(stream, body, status='0', words=None):
    return headers(stream, OK) + frame(DATA, 0, stream, body) + trailers(stream, status, words)


# What is sent as soon as somebody is there, in place of HTTP/2.
AT_ONCE = {
    'garbage': random.Random(4711).randbytes(5000),
    'http1': b'HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: 20\r\n\r\n<h1>Bad Request</h1>',
    'text': b'SSH-2.0-OpenSSH_9.2\r\n',
    'huge_frame': b'\xff\xff\xff\x04\x00\x00\x00\x00\x00',
    'closes': b'',
}

# What answers a request; STREAM is its number.
ANSWERS = {
    'good': lambda stream: answer(stream, message(EMPTY)),
    'drips': lambda stream: answer(stream, message(EMPTY)),
    'goaway': lambda stream: frame(GOAWAY, 0, 0, struct.pack('>II', 0, 11) + b'too_many_pings'),
    'rst': lambda stream: frame(RST_STREAM, 0, stream, struct.pack('>I', 2)),
    'refused_stream': lambda stream: frame(RST_STREAM, 0, stream, struct.pack('>I', 7)),
    'huge_header': lambda stream: headers(stream, OK + [(f'x-{i}', 'y' * 1000) for i in range(1024)]),
    'oversized': lambda stream: headers(stream, OK) + frame(DATA, 0, stream, message(EMPTY, size=0xffffffff)),
    'truncated': lambda stream: answer(stream, message(EMPTY, size=len(EMPTY) + 50)),
    'half_prefix': lambda stream: answer(stream, b'\0\0\0'),
    'empty_message': lambda stream: answer(stream, message(b'')),
    'no_message': lambda stream: answer(stream, b''),
    'two_messages': lambda stream: answer(stream, message(EMPTY) * 2),
    'no_status': lambda stream: headers(stream, OK) + frame(DATA, END_STREAM, stream, message(EMPTY)),
    'odd_status': lambda stream: answer(stream, message(EMPTY), 'fine'),
    'unknown_status': lambda stream: answer(stream, b'', '99', 'a code that nobody knows'),
    'unavailable': lambda stream: headers(stream, OK + [('grpc-status', '14'), ('grpc-message', 'not%20now')],
                                          END_STREAM),
    'rude_words': lambda stream: answer(stream, b'', '13', '%1b[2J%0aline two %ff%00 ' + 'long ' * 2000 + 'end'),
    'wrong_type': lambda stream: headers(stream, [(':status', '200'), ('content-type', 'text/html')]) +
                                 frame(DATA, END_STREAM, stream, b'<h1>It works!</h1>'),
    'status_500': lambda stream: headers(stream, [(':status', '500'), ('content-type', 'text/plain')]) +
                                 frame(DATA, END_STREAM, stream, b'Internal Server Error'),
    'compressed': lambda stream: answer(stream, message(EMPTY, flag=1)),
    'bad_message': lambda stream: answer(stream, message(random.Random(stream).randbytes(300))),
    # The key is a number.
    'odd_fields': lambda stream: answer(stream, message(EMPTY + b'\x12\x0b\x09' + b'/' * 8 + b'\x18\x05')),
    'wrong_stream': lambda stream: headers(stream + 2, OK),
    'never_settings': lambda stream: answer(stream, message(EMPTY)),
    'silent': lambda stream: b'',
    'mute': lambda stream: b'',
}
# Those that do not even say that they speak HTTP/2, nor answer a PING.
NO_SETTINGS = ('silent', 'never_settings')
BEHAVIOURS = sorted([*AT_ONCE, *ANSWERS])


class BadServer(Server):
    """BEHAVIOUR is one of BEHAVIOURS; PAIR, a certificate, makes it speak TLS. `store` is what our programs take."""

    def __init__(self, node, address, behaviour, port=2379, pair=None):
        self.name = 'bad-' + behaviour
        super().__init__(node)
        self.arguments = [address, str(port), behaviour, *(pair or [])]
        self.store = f'etcd:{"https" if pair else "http"}://{f"[{address}]" if ":" in address else address}:{port}'

    def start(self):
        self.spawn(sys.executable, '-B', os.path.abspath(__file__), *self.arguments)
        self.lab.wait(lambda: self._count(LISTENS), 10, 'the bad server listens')
        return self

    def connections(self):
        return self._count('connection')

    def requests(self):
        return self._count('request')

    def _count(self, word):
        return tail(self.process.log, 1000000).splitlines().count(word)

    def dump(self):
        return f'{self.arguments}: {self.connections()} connections, {self.requests()} requests\n'


def read_exactly(sock, size):
    """SIZE bytes, or EOFError."""
    out = b''
    while len(out) < size:
        part = sock.recv(size - len(out))
        if not part:
            raise EOFError
        out += part
    return out


def serve_http2(sock, behaviour):
    if behaviour not in NO_SETTINGS:
        sock.sendall(frame(SETTINGS, 0, 0) + frame(WINDOW_UPDATE, 0, 0, struct.pack('>I', 1 << 20)))
    if read_exactly(sock, len(PREFACE)) != PREFACE:
        return
    while True:
        head = read_exactly(sock, 9)
        kind, flags, stream = struct.unpack('>BBI', head[3:])
        payload = read_exactly(sock, struct.unpack('>I', b'\0' + head[:3])[0])
        if kind in (SETTINGS, PING) and not flags & ACK and behaviour not in NO_SETTINGS:
            sock.sendall(frame(kind, ACK, 0, payload if kind == PING else b''))
        elif kind == HEADERS:
            print('request', flush=True)
            text = ANSWERS[behaviour](stream)
            for part in [text] if behaviour != 'drips' else [bytes([byte]) for byte in text]:
                sock.sendall(part)


def serve(sock, behaviour, tls):
    print('connection', flush=True)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        with tls.wrap_socket(sock, server_side=True) if tls else sock as stream:
            if behaviour in ANSWERS:
                serve_http2(stream, behaviour)
            elif AT_ONCE[behaviour]:
                stream.sendall(AT_ONCE[behaviour])
                while stream.recv(65536):
                    pass
    except (OSError, EOFError) as error:
        print(f'end {error!r}', flush=True)


def main():
    address, port, behaviour, *pair = sys.argv[1:]
    tls = None
    if pair:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*pair)
        tls.set_alpn_protocols(['http/1.1' if behaviour == 'http1' else 'h2'])
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    with socket.create_server((address, int(port)), family=family, backlog=100) as listener:
        print(LISTENS, flush=True)
        while True:
            sock = listener.accept()[0]
            threading.Thread(target=serve, args=(sock, behaviour, tls), daemon=True).start()


if __name__ == '__main__':
    main()
