#!/usr/bin/env python3
"""A TGO plugin: notes that the team keeps about a visitor.

It connects to the host's socket, registers one visitor panel and answers until
the host says shutdown. The notes are in notes.json in the working directory,
which in a sandbox is the plugin's own workspace.
"""

import json
import os
import socket
import struct
import sys

SOCKET = "/var/run/tgo/tgo.sock"
NOTES = "notes.json"
MOST_NOTES = 20


class Connection:
    """Frames of a big-endian 32-bit length and that many bytes of JSON."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode()
        self.socket.sendall(struct.pack(">I", len(body)) + body)

    def receive(self):
        """The next message; None when the host has closed the connection."""
        header = self.read(4)
        body = self.read(struct.unpack(">I", header)[0]) if header else None
        return json.loads(body) if body else None

    def read(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                return None
            data += piece
        return data


class Refused(Exception):
    """A request that cannot be answered; carries the JSON-RPC error code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def load_notes():
    try:
        with open(NOTES, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def save_notes(notes):
    # A rename, so that a plugin killed half-way leaves the old notes and not half of the new.
    with open(NOTES + ".new", "w", encoding="utf-8") as file:
        json.dump(notes, file, ensure_ascii=False)
    os.replace(NOTES + ".new", NOTES)


def render(params):
    """JSON-UI: the visitor's notes and a form for another one."""
    notes = load_notes().get(visitor(params), [])
    rows = [{"number": number, "note": note} for number, note in enumerate(notes, start=1)]
    table = {
        "title": "Notes",
        "columns": [{"key": "number", "label": "No."}, {"key": "note", "label": "Note"}],
        "rows": rows,
    }
    form = {
        "fields": [{"name": "note", "label": "New note", "type": "textarea", "required": True}],
        "submit_text": "Add",
        "action_id": "add_note",
    }
    items = [{"template": "table", "data": table}, {"template": "form", "data": form}]
    return {"template": "group", "data": {"items": items}}


def event(params):
    """JSON-ACTION: what the host's page should do after a button or a form."""
    if params.get("action_id") != "add_note":
        return {"action": "noop", "data": {}}
    note = (params.get("form_data") or {}).get("note", "").strip()
    if not note:
        return {"action": "show_toast", "data": {"message": "The note is empty", "type": "warning"}}
    notes = load_notes()
    own = notes.setdefault(visitor(params), [])
    own.append(note)
    del own[:-MOST_NOTES]
    save_notes(notes)
    toast = {"action": "show_toast", "data": {"message": f"Note {len(own)} saved", "type": "success"}}
    return {"action": "batch", "data": {"actions": [toast, {"action": "refresh", "data": {}}]}}


def visitor(params):
    visitor_id = params.get("visitor_id")
    if not isinstance(visitor_id, str):
        raise Refused(-32602, "visitor_id is missing")
    return visitor_id


HANDLERS = {"visitor_panel/render": render, "visitor_panel/event": event}


def answer(request):
    """The reply to one request: a result or an error, never an exception."""
    try:
        handler = HANDLERS.get(request.get("method"))
        if handler is None:
            raise Refused(-32601, f"no method {request.get('method')}")
        return {"id": request.get("id"), "result": handler(request.get("params") or {})}
    except Refused as error:
        return {"id": request.get("id"), "error": {"code": error.code, "message": str(error)}}


def register(connection):
    panel = {"type": "visitor_panel", "title": "Notes", "icon": "note", "priority": 20}
    params = {
        "name": "visitor-notes",
        "version": "1.0.0",
        "description": "Notes that the team keeps about a visitor",
        "capabilities": [panel],
    }
    connection.send({"id": 1, "method": "register", "params": params})
    reply = connection.receive() or {}
    if not (reply.get("result") or {}).get("success"):
        sys.exit(f"visitor-notes: the host refused the registration: {reply.get('error')}")


def main():
    connection = Connection(SOCKET)
    register(connection)
    while request := connection.receive():
        if request.get("method") == "shutdown":
            connection.send({"id": request.get("id"), "result": {"success": True}})
            return
        connection.send(answer(request))


if __name__ == "__main__":
    main()
