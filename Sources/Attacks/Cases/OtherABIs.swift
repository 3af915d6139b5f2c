// Area A: every call by its number, and the other ABIs of x86-64, where other numbers mean the same calls.

import Sandbox

extension Attack {
    static var otherABIs: [Attack] {
        #if arch(x86_64)
            [
                Attack(
                    "A01", "every-call", "numbers 0 to 600 with zeros, beside what the profile's filter says",
                    method: .scene(EveryCall.answer), expected: "as the filter says",
                    control: .without([.seccomp], "otherwise:*"), stoppedBy: [.seccomp])
            ]
                + refused(
                    "A04", "SIGSYS", control: .bare(["succeeded", "SIGSEGV"]),
                    [
                        "int80-getpid": "getpid by the entry of 32-bit programs",
                        "int80-open": "open by that entry",
                        "int80-socketcall": "socketcall by that entry, past every rule about socket(2)",
                    ])
                + [
                    Attack(
                        "A04", "int80-alone", "the same, and what is reported when a plugin dies of it",
                        method: .alone(options: []), expected: "seccomp 159",
                        control: .bare(["succeeded", "ended 139"]), stoppedBy: [.seccomp])
                ]
                // Twelve that harm nobody.
                + refused(
                    "A04", "none survived", control: .bare("12 survived"),
                    ["every-int80-call": "numbers 0 to 600 by that entry: processes that lived"])
                + refused(
                    "A04", "SIGSYS", control: .bare(["exit 42", "ENOEXEC"]),
                    ["execute-32-bit": "a program of 32 bits"])
                + refused(
                    "A05", "SIGSYS", control: .bare(["ENOSYS", "succeeded"]),
                    ["x32-getpid": "getpid with the bit of x32"])
                + refused(
                    "A05", "none survived", control: .bare("601 survived"),
                    ["every-x32-call": "numbers 0 to 600 with that bit: processes that lived"])
        #else
            []
        #endif
    }
}
