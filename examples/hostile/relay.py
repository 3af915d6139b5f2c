#!/usr/bin/env python3
"""A plugin that tries eight things on its host, over the one socket that it has.

It is run with rules that name it "good" (rules.yaml), against a host that writes
down whatever reaches it (host.py). It prints one line for each attempt: what
came back. Whether an attempt was refused, and by which rule, is not for it to
say: that stands in the report of `corral run`, and in what the host wrote down.
"""

import contextlib
import json
import os
import socket
import struct

PATH = os.environ.get("TGO_SOCKET_PATH", "/var/run/tgo/tgo.sock")
# How long to wait for an answer, which only a relay gives to everything.
SECONDS = float(os.environ.get("ANSWER_SECONDS", "20"))


def connect():
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(SECONDS)
    connection.connect(PATH)
    return connection


def frame(body):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return struct.pack(">I", len(body)) + body


def exactly(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def receive(connection):
    return json.loads(exactly(connection, struct.unpack(">I", exactly(connection, 4))[0]))


def register(name, number=1):
    return frame({"jsonrpc": "2.0", "id": number, "method": "register", "params": {"name": name}})


def answer(connection):
    """What came back, in a few words."""
    try:
        message = receive(connection)
    except (EOFError, ConnectionResetError):
        return "the connection ended"
    except TimeoutError:
        return "no answer"
    error = message.get("error")
    return f"error {error['code']}" if error else f"{message}"


def until_closed(connection):
    with contextlib.suppress(ConnectionResetError, TimeoutError):
        while connection.recv(65536):
            pass
    connection.close()


def main():
    connection = connect()
    connection.sendall(register("good"))
    receive(connection)
    call = receive(connection)

    # With the answer that the host waits for, which is as it should be.
    socket.send_fds(connection, [frame({"id": call["id"], "result": {"pong": True}})], [0])
    print("a descriptor: sent with an answer", flush=True)

    connection.sendall(frame({"id": 2, "method": "attempt/exec", "params": {"command": "id"}}))
    print(f"a forbidden method: {answer(connection)}", flush=True)

    connection.sendall(frame({"id": 4711, "result": {"attempt": "forged"}}))
    print("an id never asked: nothing, as ever", flush=True)

    for number in range(1000):
        connection.sendall(frame({"method": "attempt/flood", "params": {"number": number}}))
    print("a flood: 1000 messages sent", flush=True)

    connection.sendall(register("attempt", 3))
    print(f"a second registration: {answer(connection)}", flush=True)
    until_closed(connection)

    attempts = [
        ("another plugin's name", register("attempt")),
        ("a 4 GiB length", b"\xff\xff\xff\xff" + b'{"id": 1, "method": "attempt"}'),
        ("duplicate keys", frame(
            b'{"id": 1, "method": "register", "params": {"name": "good"}, "params": {"name": "attempt"}}')),
    ]
    for name, data in attempts:
        connection = connect()
        connection.sendall(data)
        print(f"{name}: {answer(connection)}", flush=True)
        until_closed(connection)


if __name__ == "__main__":
    main()
