#!/usr/bin/env python3
"""A small TGO host: takes one plugin from registration to shutdown and checks each answer.

    host.py SOCKET [--json]

Listens on the unix socket SOCKET and makes nothing else. Prints one line for
each message, or with --json the messages as they are, one JSON object a line.
Exits 0 when the plugin did everything as the protocol says, 1 otherwise.
"""

import argparse
import contextlib
import json
import os
import socket
import struct
import sys

REGISTER_SECONDS = 30
ANSWER_SECONDS = 30
VISITOR = {"visitor_id": "visitor-17", "session_id": "session-1", "language": "en"}


class Malformed(Exception):
    """The plugin said something that the protocol does not allow."""


class Plugin:
    """The connection to one plugin."""

    def __init__(self, connection, as_json):
        self.connection = connection
        self.as_json = as_json
        self.last_id = 0

    def receive(self, seconds):
        # One recv for the length and one for the body, on purpose: many hosts read this way,
        # so whatever stands between a plugin and its host must hand over whole frames.
        self.connection.settimeout(seconds)
        header = self.connection.recv(4)
        if not header:
            raise Malformed("the plugin closed the connection")
        if len(header) != 4:
            raise Malformed(f"a length arrived in pieces: {len(header)} of 4 bytes")
        length = struct.unpack(">I", header)[0]
        body = self.connection.recv(length)
        if len(body) != length:
            raise Malformed(f"a body arrived in pieces: {len(body)} of {length} bytes")
        try:
            message = json.loads(body)
        except ValueError as error:
            raise Malformed(f"a body is not JSON: {error}") from error
        if not isinstance(message, dict):
            raise Malformed("a message is not a JSON object")
        return message

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode()
        self.connection.sendall(struct.pack(">I", len(body)) + body)

    def show(self, from_plugin, message, line):
        if self.as_json:
            sender = "plugin" if from_plugin else "host"
            print(json.dumps({"from": sender, "message": message}, ensure_ascii=False), flush=True)
        else:
            print(f"{'plugin -> host' if from_plugin else 'host -> plugin'}  {line}", flush=True)

    def call(self, method, params, check):
        """Sends a request, waits for its answer, checks it and returns its result."""
        self.last_id += 1
        request = {"id": self.last_id, "method": method, "params": params}
        self.send(request)
        self.show(False, request, f"{method} {params.get('action_id', '')}".rstrip())
        answer = self.receive(ANSWER_SECONDS)
        if answer.get("id") != self.last_id:
            raise Malformed(f"the answer to {method} has the id {answer.get('id')!r}")
        if "result" not in answer:
            raise Malformed(f"{method} was answered with an error: {answer.get('error')}")
        line = check(answer["result"])
        self.show(True, answer, f"{method.split('/')[-1]} answered: {line}")
        return answer["result"]


def check_register(message):
    if message.get("method") != "register":
        raise Malformed(f"the first message is {message.get('method')!r}, not register")
    params = message.get("params")
    if not isinstance(params, dict) or not isinstance(params.get("name"), str):
        raise Malformed("register has no name")
    for capability in params.get("capabilities") or []:
        if not isinstance(capability.get("type"), str) or not isinstance(capability.get("title"), str):
            raise Malformed(f"a capability needs a type and a title: {capability}")
    return f"register {params['name']} {params.get('version', '')}".rstrip()


def check_ui(result):
    """JSON-UI: a template and its data; a group holds more of them."""
    if not isinstance(result, dict) or not isinstance(result.get("template"), str):
        raise Malformed(f"JSON-UI needs a template: {result}")
    if not isinstance(result.get("data"), dict):
        raise Malformed(f"JSON-UI needs data: {result}")
    if result["template"] == "group":
        return "group of " + ", ".join(check_ui(item) for item in result["data"].get("items", []))
    rows = result["data"].get("rows")
    if not isinstance(rows, list):
        return result["template"]
    return f"{result['template']} with {len(rows)} row{'' if len(rows) == 1 else 's'}"


def check_action(result):
    """JSON-ACTION: what the page should do; a batch holds more of them."""
    if not isinstance(result, dict) or not isinstance(result.get("action"), str):
        raise Malformed(f"JSON-ACTION needs an action: {result}")
    data = result.get("data") or {}
    if result["action"] == "batch":
        return "batch of " + ", ".join(check_action(action) for action in data.get("actions", []))
    detail = data.get("message") or data.get("url")
    return result["action"] + (f" \"{detail}\"" if detail else "")


def check_shutdown(result):
    if not isinstance(result, dict) or result.get("success") is not True:
        raise Malformed(f"shutdown was answered with {result}")
    return "success"


def serve(connection, as_json):
    plugin = Plugin(connection, as_json)
    hello = plugin.receive(REGISTER_SECONDS)
    plugin.show(True, hello, check_register(hello))
    result = {"success": True, "plugin_id": "plugin_000001", "host_version": "1.0.0"}
    plugin.send({"id": hello.get("id"), "result": result})
    plugin.show(False, {"id": hello.get("id"), "result": result}, "registered as plugin_000001")

    plugin.call("visitor_panel/render", VISITOR, check_ui)
    submit = {"event_type": "form_submit", "action_id": first_action(hello)}
    form = {"form_data": {"note": "prefers mail"}}
    plugin.call("visitor_panel/event", {**VISITOR, **submit, **form}, check_action)
    plugin.call("visitor_panel/render", VISITOR, check_ui)
    plugin.call("shutdown", {}, check_shutdown)


def first_action(hello):
    """The action each plugin of the examples knows; an unknown one is answered with noop."""
    return "add_note" if hello["params"]["name"] == "visitor-notes" else "view_all"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("socket", metavar="SOCKET")
    parser.add_argument("--json", action="store_true", help="print the messages as they are")
    arguments = parser.parse_args()

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(arguments.socket)
    listener.listen(1)
    listener.settimeout(REGISTER_SECONDS)
    try:
        connection, _ = listener.accept()
        with connection:
            serve(connection, arguments.json)
    except (Malformed, OSError) as error:
        sys.exit(f"host: {error or 'no plugin connected in time'}")
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(arguments.socket)


if __name__ == "__main__":
    main()
