#!/usr/bin/env python3
"""A host that takes every plugin at its word and writes down what reaches it: host.py SOCKET.

One line of JSON for each message, each descriptor and each end of a connection.
It calls each plugin once, with `ping`. Made to be lied to: what a relay refuses
must not be found in what it printed. Runs until it is killed.
"""

import array
import contextlib
import json
import os
import socket
import struct
import sys


def frame(message):
    body = json.dumps(message).encode()
    return struct.pack(">I", len(body)) + body


def receive(connection):
    """One chunk of bytes, and how many descriptors came with it."""
    room = socket.CMSG_SPACE(16 * array.array("i").itemsize)
    data, ancillary, _, _ = connection.recvmsg(65536, room)
    descriptors = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    for descriptor in descriptors:
        os.close(descriptor)
    return data, len(descriptors)


def serve(connection, number):
    data = b""
    while True:
        piece, descriptors = receive(connection)
        if not piece:
            break
        data += piece
        if descriptors:
            print(json.dumps({"connection": number, "descriptors": descriptors}), flush=True)
        while len(data) >= 4 and len(data) >= 4 + struct.unpack(">I", data[:4])[0]:
            length = struct.unpack(">I", data[:4])[0]
            body, data = data[4 : 4 + length], data[4 + length :]
            print(json.dumps({"connection": number, "message": body.decode(errors="replace")}), flush=True)
            message = json.loads(body)
            if message.get("method") == "register":
                connection.sendall(frame({"id": message["id"], "result": {"success": True}}))
                connection.sendall(frame({"id": 1, "method": "ping"}))
    if data:
        print(json.dumps({"connection": number, "message": data.decode(errors="replace")}), flush=True)


def main():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(8)
    number = 0
    while True:
        connection, _ = listener.accept()
        number += 1
        with connection:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                serve(connection, number)
            print(json.dumps({"connection": number, "ended": True}), flush=True)


if __name__ == "__main__":
    main()
