// Area B: namespaces, mounts, procfs and identity.

import Sandbox

extension Attack {
    static let namespaces: [Attack] = [
        Attack(
            "B06", "read-host-file", "reading a file of the host's by its path", expected: "ENOENT",
            control: .without([.mountNamespace]), stoppedBy: [.mountNamespace, .landlockFiles])
    ]
}
