extension Evidence {
    /// The whole document.
    var text: String {
        """
        <!-- Written by `make prove`; changes by hand are lost. -->
        # Security evidence

        What hostile programs came to in Corral's sandboxes, on one machine and one day. docs/security.md
        says what is promised, how this is made and how to add to it. Bold is what is not as it must be.

        \(head)

        ## Attacks

        Each attack is made first where nothing stops it (*unstopped*: as root with every capability, or in
        a sandbox without exactly what stops it), then in every profile. *Found* is the answer in `default`;
        *elsewhere* names the profiles that answer otherwise. An answer is the error of the system call, the
        signal that ended the attempt, the cause and exit code of `corral run`, or words of the attempt's own.
        Profiles whose network is a proxy are run with `--network none`, until there is a proxy.

        \(attacks.text)

        ## What is left afterwards

        \(remains)

        ## Layer ablation

        Each layer and mechanism is left out alone, by a switch that release builds do not have, and the
        attacks are made again: those whose answer is then another one, and not one that is right, show that
        it does something. Where another layer stops the same attacks, or the kernel refuses it without this
        one, that is out in both runs, and said.

        \(ablation.text)

        Not built yet, and so without a row: host allowlist, Origin check, token check. Closing of
        descriptors is the layer `descriptors`.

        ## Reachable system calls

        Counted by running the compiled filter on every number from 0 to 1023: calls that are allowed whatever
        their arguments, and those of which arguments decide. A sandbox without relay, terminal and
        directories of the host.

        \(calls)

        ## Layers

        What `corral run --json` says of the sandboxes in which the attacks were made.

        \(layers.text)

        ## Other sandboxes

        The attacks of areas A, B, D and E that the attacker program makes alone, in
        `bwrap --unshare-all --cap-drop ALL` (the host's /usr read-only, /proc, /dev, a memory file system as
        /tmp; no seccomp filter and no limits are part of that) and in `runc` with the specification that
        `runc spec` writes (no seccomp filter, no user namespace and no limits are part of that). Both as
        root, as Corral was. Neither is all that its authors offer: a filter and limits can be given to both.
        *As where nothing stops it* is the answer of the unstopped attack; where that was made with harmless
        arguments, it means that the call itself can be made. *Something else* is any other answer, such as
        another error.

        \(peers.text)

        ## Causes

        \(Measured.causes)

        ## Churn

        \(Measured.soak)

        """
    }

    private var remains: String {
        if left.isEmpty {
            return
                "Nothing: mounts, cgroups, namespaces, processes, sockets, loop devices, System V objects, "
                + "files and settings of the machine are as they were before, and none of the bait was touched."
        }
        let most = 20
        let lines = left.prefix(most).map { "- **\($0)**" }
        let more = left.count > most ? ["- **and \(left.count - most) more**"] : []
        return (lines + more).joined(separator: "\n")
    }
}
