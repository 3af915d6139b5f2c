import CLinux
import Cgroups
import Glibc
import Launch
import Linux
import Sandbox
import Seccomp
import TestSupport

/// Launches sandboxes of the default profile in this process, by the libraries that a daemon will use.
final class Resident {
    private let profile: Profile
    private let image: Image
    private let filter: [UInt8]
    private let hostPaths: HostPaths
    private let host: HostAbilities
    private let layout: CgroupLayout
    private let template: LaunchPlan.Steps?
    private let slots: SlotFile
    private let null: FileDescriptor

    init() throws {
        let profile = try Profile.decode(Resident.read("profiles/default.yaml"), file: "default.yaml")
        let names = profile.syscalls.parts(relay: false, hostDirectory: false)
        let parts = try names.map { name in
            PolicyPart(file: name, json: try Resident.read("profiles/seccomp/\(name).json"))
        }
        let image = try Image.decode(Resident.read("images/\(profile.image).yaml"), file: profile.image)
        let host = try HostAbilities.probe()
        let hostPaths = Resident.hostPaths(image)
        self.profile = profile
        self.image = image
        self.hostPaths = hostPaths
        self.host = host
        filter = try FilterCache(directory: nil, policies: nil).filter(parts: parts).bytes
        layout = try CgroupLayout.detect()
        template = try LaunchPlanner.template(
            image, hostPaths: hostPaths, privileged: host.privileged, without: [])
        slots = SlotFile(in: try FileDescriptor.open("/run/corral", O_RDONLY | O_DIRECTORY))
        null = try FileDescriptor.open("/dev/null", O_RDWR)
    }

    private static func read(_ path: String) throws -> [UInt8] { try File.read(Repository.path(path)) }

    private static func hostPaths(_ image: Image) -> HostPaths {
        var paths = HostPaths()
        for bind in image.binds {
            var status = stat()
            guard unsafe lstat(bind.path, &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: paths.add(bind.path, .directory)
            case S_IFLNK:
                paths.add(bind.path, .symlink(target: File.target(ofLink: bind.path) ?? ""))
            default: paths.add(bind.path, .file)
            }
        }
        return paths
    }

    /// When the sandbox is ended.
    private enum Moment: String {
        case waiting, building, starting, running
    }

    /// How it is ended.
    private enum End: String {
        /// By its cgroup, as everything that Corral ends.
        case group = "cgroup killed"
        case initProcess = "SIGKILL to init"
        case program = "SIGKILL to program"
        case itself = "left alone"
    }

    /// What one cycle is to do.
    private struct Course {
        let cycle: Int
        let moment: Moment
        let end: End
        let pause: UInt32

        init(_ cycle: Int, _ random: inout Seeded) {
            self.cycle = cycle
            moment = random.pick([.waiting, .building, .starting, .running, .running, .running])
            let always = [End.group, .initProcess]
            end = random.pick(moment == .running ? always + [.program, .itself] : always)
            pause = UInt32.random(in: 0...2_000, using: &random)
        }

        /// How it ends then; "gone" is an init that says nothing more.
        var outcome: String {
            switch end {
            case .group, .initProcess: "gone"
            case .program: "was killed by signal 9"
            case .itself: "exited with status 0"
            }
        }
    }

    /// One sandbox from its slot to its last group.
    func cycle(_ number: Int, into phase: inout Phase, _ random: inout Seeded) throws {
        let course = Course(number, &random)
        let id = String(UInt64.random(in: 0...UInt64.max, using: &random), radix: 16)
        let slot = try slots.acquire(count: Int(Identity.slots), startingAt: number % Int(Identity.slots))
        var group = try SandboxGroup.create(
            in: layout, name: GroupName(slot: slot.number, id: id).description)
        var outcome: String
        do {
            outcome = try live(course, slot, &group, &phase)
        } catch {
            outcome = "\(error)"
        }
        try group.remove()
        phase.count(
            "\(course.end.rawValue) when \(course.moment.rawValue) -> \(outcome)",
            isExpected: outcome == course.outcome)
    }

    /// One sandbox from its init to the end of its last process.
    private func live(
        _ course: Course, _ slot: borrowing Slot, _ group: inout SandboxGroup, _ phase: inout Phase
    ) throws -> String {
        let identity = Identity.slot(UInt32(slot.number))
        let began = clinux_boottime()
        let sandbox = try Launcher.begin(
            identity: identity, without: [], privileged: host.privileged, workspace: nil,
            descriptors: LaunchDescriptors(
                cgroupV2: group.cloneDirectory, cgroupTasks: group.processFiles, lock: slot.lock.number))
        defer { clear(sandbox, group) }
        if course.moment != .waiting {
            try group.setLimits(profile.limits)
            try build(sandbox, identity, group.layers)
        }
        if course.moment == .starting || course.moment == .running {
            try start(sandbox, course.end == .itself ? ["/usr/bin/true"] : ["/usr/bin/sleep", "1000"])
        }
        if course.moment == .running {
            while case .ready = try sandbox.receive() {}
            phase.starts.append((course.cycle, clinux_boottime() - began))
        }
        if course.end != .itself { usleep(course.pause) }
        switch course.end {
        case .group: group.kill()
        case .initProcess: sandbox.kill()
        case .program: try sandbox.signal(1, SIGKILL)
        case .itself: break
        }
        // What is killed through its group has an init that can say whatever comes first.
        if course.moment != .running || course.end == .group { return "gone" }
        return try last(sandbox)
    }

    private func build(
        _ sandbox: RunningSandbox, _ identity: Identity, _ cgroups: [Layer: LayerState]
    ) throws {
        let spec = SandboxSpec(
            profile: profile, limits: profile.limits, image: image, filter: filter, identity: identity,
            workspace: .ephemeral, sockets: [], cgroups: cgroups)
        let plan = try LaunchPlanner.plan(spec, host: host, hostPaths: hostPaths)
        try Launcher.build(sandbox, plan, identity: identity, workspace: nil) { () throws(LaunchError) in
            guard let template else { return nil }
            return try RootTemplate.make(template)
        }
    }

    private func start(_ sandbox: RunningSandbox, _ command: [String]) throws {
        let environment = profile.environment.map { "\($0.name)=\($0.value)" }
        let request = ProcessRequest(
            arguments: command, environment: environment, directory: image.workspace)
        try sandbox.start(request, as: 1, endsSandbox: true, input: nil, output: null, errors: null)
    }

    private func last(_ sandbox: RunningSandbox) throws -> String {
        while true {
            switch try sandbox.receive() {
            case .exited(_, let exit): return exit.description
            case .startFailed(_, let error): return "start failed: \(error)"
            case .gone: return "gone"
            case .ready, .started: continue
            }
        }
    }

    /// As `corral run` ends every sandbox, whatever state it is in.
    private func clear(_ sandbox: RunningSandbox, _ group: borrowing SandboxGroup) {
        group.kill()
        sandbox.kill()
        _ = try? sandbox.reap()
        _ = try? group.waitUntilEmpty(until: clinux_boottime() + 20_000_000_000)
    }
}
