import CLinux
import Glibc
import InitPlan
package import Linux
package import Sandbox

/// Descriptors that a launch hands to the sandbox or to its cgroups; all stay the caller's.
package struct LaunchDescriptors {
    /// The cgroup v2 directory to start in, or -1.
    package var cgroupV2: CInt
    /// The `tasks` file of each v1 controller.
    package var cgroupTasks: [CInt]
    /// Held by the init as long as it lives, unused: the lock on the sandbox's ids. Or -1.
    package var lock: CInt
    /// As ``LowDescriptors/first``; -1 for who has few descriptors.
    package var low: CInt = -1
    /// A network namespace that is ready to be the sandbox's, and that of the calling thread; or -1. Used
    /// where ``LaunchPlan/takesReadyNetwork(without:)``.
    package var network: CInt = -1
    package var networkHome: CInt = -1

    package init(cgroupV2: CInt = -1, cgroupTasks: [CInt] = [], lock: CInt = -1) {
        self.cgroupV2 = cgroupV2
        self.cgroupTasks = cgroupTasks
        self.lock = lock
    }
}

/// Starts sandboxes, in two halves: an init that waits, then the sandbox that it builds.
///
/// Between the halves the init costs nothing, so what the plan needs can be computed while the
/// kernel makes namespaces, and a daemon can keep some inits ready.
///
/// Not for two threads at once: it changes the working directory for an ordinary user's workspace.
package enum Launcher {
    /// Starts an init in namespaces of its own, maps its ids and leaves it waiting.
    /// - Parameters:
    ///   - without: layers that a test leaves out.
    ///   - workspace: entered during the clone where the init itself has to mount it.
    package static func begin(
        identity: Identity, without: Set<Layer>, privileged: Bool, workspace: WorkspaceDirectory?,
        descriptors: LaunchDescriptors
    ) throws(LaunchError) -> RunningSandbox {
        let executable = try InitExecutable.open(privileged: privileged)
        let sandbox = try begin(
            identity: identity, without: without, privileged: privileged, workspace: workspace,
            descriptors: descriptors, executable: executable)
        sandbox.keep(executable)
        return sandbox
    }

    /// The same with a file of the init that the caller keeps open, for many sandboxes.
    package static func begin(
        identity: Identity, without: Set<Layer>, privileged: Bool, workspace: WorkspaceDirectory?,
        descriptors: LaunchDescriptors, executable: borrowing InitExecutable
    ) throws(LaunchError) -> RunningSandbox {
        var namespaces = LaunchPlan.namespaces(without: without)
        let networkIsReady = descriptors.network >= 0 && LaunchPlan.takesReadyNetwork(without: without)
        if networkIsReady { namespaces &= ~UInt64(CLINUX_NEWNET) }
        do throws(SystemError) {
            let channel = try Channel.make()
            let given = [channel.inner.number, channel.statusWriting.number, descriptors.lock]
            let enters = privileged ? -1 : workspace?.descriptor.number ?? -1
            let ownsNamespace = namespaces & UInt64(CLINUX_NEWUSER) != 0
            let (pid, pidfd) = try start(
                namespaces, ownedBy: ownsNamespace ? identity.owner : nil, executable,
                given.filter { $0 >= 0 }, enters, descriptors, networkIsReady)
            let sandbox = RunningSandbox(
                pid: pid, pidfd: pidfd, channel: consume channel, networkIsReady: networkIsReady)
            guard ownsNamespace else { return sandbox }
            do throws(SystemError) {
                try IdentityMap.write(identity, pid: pid)
            } catch {
                sandbox.kill()
                _ = try? sandbox.reap()
                throw error
            }
            return sandbox
        } catch {
            throw explained(error, privileged: privileged)
        }
    }

    /// Hands root and workspace over and lets the init carry out its plan.
    /// ``RunningSandbox/receive()`` tells when the sandbox is ready.
    /// - Parameters:
    ///   - mounts: those that the caller adds.
    ///   - root: makes what ``RootTemplate`` makes; nil where the init makes its own. Called last,
    ///     since on older kernels it moves this thread into another mount namespace, and a directory
    ///     can only be mounted from the one it was opened in.
    package static func build(
        _ sandbox: RunningSandbox, _ plan: LaunchPlan, identity: Identity, workspace: WorkspaceDirectory?,
        mounts: AddedMounts = .none, root makeRoot: () throws(LaunchError) -> FileDescriptor?
    ) throws(LaunchError) {
        let workspaceMount = try mount(workspace, plan, identity)
        let added = try mounted(mounts, plan, identity)
        let root = try makeRoot()
        do throws(SystemError) {
            let memory = try MemoryFile.make("corral-plan", plan.initial.bytes)
            let handedOver = [root.numberOrNone, workspaceMount.numberOrNone] + added.map { $0.value.number }
            try sandbox.go(memory, handedOver, plan.initial)
        } catch {
            throw .system(error, doing: "handing the plan to sandbox-init")
        }
    }

    private static func mount(
        _ workspace: WorkspaceDirectory?, _ plan: LaunchPlan, _ identity: Identity
    ) throws(LaunchError) -> FileDescriptor? {
        guard plan.handsOverWorkspace, let workspace else { return nil }
        do throws(WorkspaceError) {
            return try workspace.idmapped(
                to: identity, readOnly: plan.workspaceIsReadOnly, without: plan.without)
        } catch {
            throw .workspace(error)
        }
    }

    private static func mounted(
        _ mounts: AddedMounts, _ plan: LaunchPlan, _ identity: Identity
    ) throws(LaunchError) -> [Held<FileDescriptor>] {
        guard plan.handsOverMounts else { return [] }
        do throws(MountError) {
            return try mounts.mounted(for: identity, without: plan.without)
        } catch {
            throw .mount(error)
        }
    }

    private static func start(
        _ namespaces: UInt64, ownedBy owner: UInt32?, _ executable: borrowing InitExecutable,
        _ given: [CInt], _ enters: CInt, _ descriptors: LaunchDescriptors, _ networkIsReady: Bool
    ) throws(SystemError) -> (pid: Int32, pidfd: CInt) {
        let null = FileDescriptor(
            owning: try call("open", on: "/dev/null") { unsafe open("/dev/null", O_RDWR | O_CLOEXEC) })
        // Somebody may stand in a directory that they may not enter, as after `sudo -u`. Nothing can be
        // reached from it by a relative path, so "/" afterwards is as good.
        let here = unsafe enters < 0 ? -1 : open(".", O_CLOEXEC | CLINUX_O_PATH)
        if enters >= 0 { _ = try call("fchdir", on: "the workspace") { fchdir(enters) } }
        defer { if enters >= 0 { Launcher.goBack(to: here) } }
        var pidfd: CInt = -1
        var failure = clinux_failure()
        let (program, nullNumber) = (executable.descriptor.number, null.number)
        let hasOwnUsers = namespaces & UInt64(CLINUX_NEWUSER) != 0
        let capabilities =
            initCapabilities | (hasOwnUsers ? userNamespaceCapabilities : 0)
            | (networkIsReady ? 0 : networkCapabilities)
        let network = networkIsReady ? descriptors.network : -1
        let pid = unsafe given.withUnsafeBufferPointer { fds in
            unsafe descriptors.cgroupTasks.withUnsafeBufferPointer { tasks in
                var start = unsafe clinux_init(
                    namespaces: namespaces, owner: owner ?? UInt32.max, executable: program,
                    fds: fds.baseAddress, fd_count: fds.count, cgroup_v2: descriptors.cgroupV2,
                    cgroup_tasks: tasks.baseAddress, cgroup_tasks_count: tasks.count,
                    capabilities: capabilities, network: network, network_home: descriptors.networkHome,
                    low_fds: descriptors.low)
                return unsafe clinux_start_init(&start, nullNumber, &pidfd, &failure)
            }
        }
        guard pid > 0 else {
            throw SystemError(
                StartStep.name(failure.step), "sandbox-init", Errno(rawValue: failure.error))
        }
        return (pid, pidfd)
    }

    private static func goBack(to directory: CInt) {
        guard directory >= 0 else {
            _ = unsafe chdir("/")
            return
        }
        _ = fchdir(directory)
        _ = close(directory)
    }

    /// CHOWN 0, DAC_OVERRIDE 1, KILL 5, SETGID 6, SETUID 7, SETPCAP 8, NET_BIND_SERVICE 10,
    /// SYS_ADMIN 21 (capabilities(7)): what building a sandbox takes.
    private static let initCapabilities: UInt64 =
        1 << 0 | 1 << 1 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 21

    /// NET_ADMIN 12: raising the loopback interface, where that is left to the init.
    private static let networkCapabilities: UInt64 = 1 << 12

    /// SYS_RESOURCE 24: closing a user namespace of one's own for further ones, which nothing else takes.
    private static let userNamespaceCapabilities: UInt64 = 1 << 24

    private static func explained(_ error: SystemError, privileged: Bool) -> LaunchError {
        var hint: String?
        if error.call == StartStep.name(Int32(CLINUX_STEP_CLONE.rawValue)) {
            switch error.errno.rawValue {
            case EPERM where !privileged:
                hint =
                    "user namespaces are closed to ordinary users here: sysctl kernel.unprivileged_userns_clone=1, "
                    + "and on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0 or an AppArmor profile"
            case ENOSPC: hint = "a limit below /proc/sys/user (max_user_namespaces and the like) is reached"
            case EAGAIN: hint = "the limit of processes is reached (pids cgroup of the caller, or ulimit -u)"
            default: hint = nil
            }
        }
        if ["newuidmap", "newgidmap"].contains(error.call) {
            hint =
                "it cannot work under no_new_privs (systemd's NoNewPrivileges=), and wants the user in /etc/passwd"
        }
        return .step("\(error.call) \(error.subject ?? "")", error.errno, hint: hint)
    }
}

/// Names for CLINUX_STEP_*.
enum StartStep {
    private static let names: [(clinux_step, String)] = [
        (CLINUX_STEP_CLONE, "clone3"), (CLINUX_STEP_OWNER, "own the user namespace"),
        (CLINUX_STEP_NETWORK, "setns to the network namespace"),
        (CLINUX_STEP_CGROUP, "join cgroup"),
        (CLINUX_STEP_AMBIENT, "keep capabilities"), (CLINUX_STEP_DESCRIPTORS, "place descriptors"),
        (CLINUX_STEP_SESSION, "setsid"), (CLINUX_STEP_TERMINAL, "controlling terminal"),
        (CLINUX_STEP_KEYRING, "new session keyring"),
        (CLINUX_STEP_RLIMIT, "setrlimit"), (CLINUX_STEP_BOUNDING, "drop bounding set"),
        (CLINUX_STEP_GROUPS, "setgroups"), (CLINUX_STEP_IDENTITY, "setresuid"),
        (CLINUX_STEP_CAPABILITIES, "capset"), (CLINUX_STEP_NO_NEW_PRIVS, "no_new_privs"),
        (CLINUX_STEP_DIRECTORY, "chdir"), (CLINUX_STEP_LANDLOCK, "landlock_restrict_self"),
        (CLINUX_STEP_CLOSE, "close_range"), (CLINUX_STEP_SECCOMP, "seccomp"), (CLINUX_STEP_EXEC, "execve"),
    ]

    static func name(_ step: Int32) -> String {
        names.first { Int32($0.0.rawValue) == step }?.1 ?? "step \(step)"
    }
}
