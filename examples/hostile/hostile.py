#!/usr/bin/env python3
"""Twelve things that a plugin has no business doing, each tried once.

    hostile.py [SECRET_PATH]

Each attempt runs in a process of its own, so that being killed for one does
not spare the others, and prints one line: what stopped it, or SUCCEEDED. The
exit status is the number that succeeded. Nothing here does lasting harm where
nothing stops it: what could is bounded or undone at once. The reasons
printed are those that hold under Corral's default profile.

SECRET_PATH (argument or variable) is a file to steal besides /etc/shadow;
HOST_PORT is a port on which something of the host listens at 127.0.0.1.
"""

import ctypes
import errno
import mmap
import os
import platform
import signal
import socket
import sys
import tempfile

SECRET_PATH = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SECRET_PATH", "/root/secret")
HOST_PORT = int(os.environ.get("HOST_PORT", "22"))
# Reserved for documentation (RFC 5737): there is nobody to annoy.
ELSEWHERE = "192.0.2.1"
MOST_PROCESSES = 2000
MOST_MEMORY = 2 << 30
SECONDS = 60

# The numbers that differ between the two architectures, then those that do not.
MOUNT, UMOUNT, PTRACE, UNSHARE, FINIT_MODULE = (
    (40, 39, 117, 97, 273) if platform.machine() == "aarch64" else (165, 166, 101, 272, 313)
)
IO_URING_SETUP = 425
PTRACE_SEIZE = 0x4206
CLONE_NEWUSER = 0x10000000

libc = ctypes.CDLL(None, use_errno=True)


def syscall(number, *arguments):
    """Makes a system call directly, so that no library can be what refuses it."""
    words = [ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *words)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def any_of(*attempts):
    """Succeeds when one of several ways does; otherwise the first way's error counts."""
    errors = []
    for attempt in attempts:
        try:
            attempt()
            return
        except OSError as error:
            errors.append(error)
    raise errors[0]


def read_secrets():
    any_of(lambda: open(SECRET_PATH, "rb").read(1), lambda: open("/etc/shadow", "rb").read(1))


def network():
    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(b"x", (ELSEWHERE, 53))

    any_of(send, lambda: socket.create_connection((ELSEWHERE, 80), timeout=3).close())


def host_loopback():
    socket.create_connection(("127.0.0.1", HOST_PORT), timeout=3).close()


def mount():
    with tempfile.TemporaryDirectory() as directory:
        path = directory.encode()
        syscall(MOUNT, b"none", path, b"tmpfs", 0, 0)
        syscall(UMOUNT, path, 0)


def trace_init():
    # Seizing does not stop it, and our end releases it.
    syscall(PTRACE, PTRACE_SEIZE, 1, 0, 0)


def user_namespace():
    syscall(UNSHARE, CLONE_NEWUSER)


def fork_bomb():
    children = []
    try:
        while len(children) < MOST_PROCESSES:
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    except OSError as error:
        raise OSError(error.errno, f"after {len(children)} processes") from error
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)


def memory_bomb():
    block = 16 << 20
    blocks = []
    while len(blocks) * block < MOST_MEMORY:
        memory = mmap.mmap(-1, block)
        blocks.append(memory)
        for page in range(0, block, mmap.PAGESIZE):
            memory[page] = 1


def overwrite_init():
    # Opened only: not even a sandbox without walls deserves a broken init.
    os.close(os.open("/proc/1/exe", os.O_WRONLY))


def io_uring():
    parameters = ctypes.create_string_buffer(120)
    os.close(syscall(IO_URING_SETUP, 1, ctypes.addressof(parameters)))


def raw_socket():
    any_of(
        lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close(),
        lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    )


def load_module():
    try:
        syscall(FINIT_MODULE, -1, b"", 0)
    except OSError as error:
        # Asked for a file that does not exist: whoever looks for it would load one that does.
        if error.errno != errno.EBADF:
            raise


# What an attempt is called, what it does, and what each way of stopping it comes from.
ATTEMPTS = [
    ("read secrets", read_secrets, {
        "ENOENT": "the image has neither /etc/shadow nor the planted secret",
        "EACCES": "landlock, or the permissions of the file"}),
    ("network", network, {
        "ENETUNREACH": "own network namespace, with nothing but lo",
        "EACCES": "landlock allows no such port",
        "EPERM": "seccomp"}),
    ("host's loopback", host_loopback, {
        "ECONNREFUSED": "own network namespace: its lo is not the host's",
        "EACCES": "landlock allows no such port"}),
    ("mount", mount, {"EPERM": "seccomp, and no capability behind it"}),
    ("trace PID 1", trace_init, {"EPERM": "seccomp, and an init of another uid that is not dumpable"}),
    ("user namespace", user_namespace, {
        "EPERM": "seccomp",
        "ENOSPC": "the sandbox may have no more of them"}),
    ("fork bomb", fork_bomb, {"EAGAIN": "the limit of processes"}),
    ("write to /proc/1/exe", overwrite_init, {
        "EACCES": "the init is another uid's and not dumpable",
        "EPERM": "the init is another uid's and not dumpable",
        "EROFS": "the init is executed from a read-only mount",
        "ETXTBSY": "the file is being executed; nothing else stood in the way"}),
    ("io_uring", io_uring, {
        "ENOSYS": "seccomp: the call is answered as if there were none",
        "EPERM": "seccomp"}),
    ("raw socket", raw_socket, {
        "EPERM": "seccomp, and no capability behind it",
        "EAFNOSUPPORT": "seccomp"}),
    ("load a module", load_module, {
        "EPERM": "seccomp, and no capability behind it",
        "ENOSYS": "the call is not there: seccomp, or a kernel without modules"}),
    # Last, because a kernel may be told to end everything in a group that runs out of memory.
    ("memory bomb", memory_bomb, {
        "SIGKILL": "the limit of memory", "ENOMEM": "the limit of data (RLIMIT_DATA)"}),
]


def run(attempt):
    """Runs an attempt in a child; None if it succeeded, else what stopped it and a detail."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        # A child that hangs is killed: hanging is not success.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        os.write(writing, verdict(attempt).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name, ""
    name, _, detail = said.partition(" ")
    return None if name == "succeeded" else (name, detail)


def verdict(attempt):
    try:
        attempt()
    except MemoryError:
        return "ENOMEM"
    except TimeoutError:
        return "ETIMEDOUT"
    except OSError as error:
        detail = error.strerror if error.strerror != os.strerror(error.errno) else ""
        return f"{errno.errorcode.get(error.errno, error.errno)} {detail}"
    return "succeeded"


def main():
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
    succeeded = 0
    for name, attempt, reasons in ATTEMPTS:
        stopped = run(attempt)
        if stopped is None:
            succeeded += 1
            print(f"{name}: SUCCEEDED")
            continue
        what, detail = stopped
        otherwise = "seccomp ended the process" if what == "SIGSYS" else "no layer that was expected to"
        reason = reasons.get(what, otherwise)
        print(f"{name}: DENIED {what} — {reason}" + (f", {detail}" if detail else ""))
    sys.exit(succeeded)


if __name__ == "__main__":
    main()
