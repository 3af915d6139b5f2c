import CLinux
import FailPoints
import Glibc
import Linux
import Sandbox
import Volumes
import WardenProtocol

/// `corral-warden --volume-worker`: what the warden starts to do what may wait for a disk. Descriptor 3 is a socket
/// that pieces of work come from, 4 and the following are what their driver needs. It ends when the socket is closed,
/// and is killed when the warden ends otherwise.
enum VolumeWorkerProgram {
    static let word = "--volume-worker"
    /// Which kind of work it is, in the place of a driver's name.
    private static let place = "place"
    private static let socket: CInt = 3
    private static let lastDescriptor: CInt = 7
    /// A copy holds two descriptors for each directory that it is in.
    private static let openFiles: rlim_t = 1024
    /// Between two words of how far a copy is, in nanoseconds.
    private static let pause: UInt64 = 100_000_000

    /// What starts one. The file is the warden's own, also when another build lies in its place by now.
    static func command(_ parts: DriverParts) -> HostProgram {
        HostProgram(
            path: "/proc/self/exe",
            words: [
                "corral-warden", word, "\(getpid())", parts.kind.rawValue, parts.path, "\(parts.bound)",
                parts.device,
            ], environment: environment)
    }

    /// What starts one for an image in a directory, descriptor 4; 5 and the following are what the work needs.
    static func command(at path: String) -> HostProgram {
        HostProgram(
            path: "/proc/self/exe", words: ["corral-warden", word, "\(getpid())", place, path],
            environment: environment)
    }

    static var environment: [String] {
        // A release build has no fail points, and does not know the variable.
        #if DEBUG
            let points = "CORRAL_TEST_FAIL_POINTS"
            if let value = unsafe getenv(points) {
                return ["LANG=C", "\(points)=\(unsafe String(cString: value))"]
            }
        #endif
        return ["LANG=C"]
    }

    /// - Parameter words: those behind ``word``.
    /// - Returns: the exit code: 0 when the socket is closed, 64 for words that no warden says, 1 else.
    static func run(_ words: [String]) -> Int32 {
        if words.count == 3, let parent = pid_t(words[0]), words[1] == place {
            return begin(parent) { () throws(SystemError) in
                let place = ImagePlace(directory: FileDescriptor(owning: socket + 1), path: words[2])
                return serve(FileDescriptor(owning: socket), nil) { work in
                    guard case .image(let work) = work else { return nil }
                    do throws(Refusal) {
                        try place.perform(work)
                        return .done
                    } catch {
                        return .refused(error)
                    }
                }
            }
        }
        guard words.count == 5, let parent = pid_t(words[0]), let kind = DriverKind(rawValue: words[1]),
            let bound = UInt64(words[3])
        else { return 64 }
        let parts = DriverParts(
            kind: kind, path: words[2], descriptors: bound == 0 ? [4] : [4, 5, 6], device: words[4],
            bound: bound)
        return begin(parent) { () throws(VolumeError) in
            let driver = try parts.driver()
            return serve(FileDescriptor(owning: socket), driver) { work in perform(work, driver) }
        }
    }

    private static func begin<Failure: Error>(_ parent: pid_t, _ body: () throws(Failure) -> Int32) -> Int32 {
        do {
            _ = try call("prctl") { clinux_end_with_parent(parent, SIGKILL) }
            try protect()
            return try body()
        } catch {
            WardenLog(format: "auto").line(.error, "a volume worker cannot begin: \(error)")
            return 1
        }
    }

    /// The kernel may take this process when memory runs out: the warden is told, and nothing is lost.
    private static func protect() throws(SystemError) {
        for number in socket...lastDescriptor { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
        try? OutOfMemoryScore.reset(of: getpid())
        var limit = rlimit(rlim_cur: openFiles, rlim_max: openFiles)
        _ = try call("setrlimit") { unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
    }

    /// - Parameter perform: returns nil for what is no work of this process.
    private static func serve(
        _ socket: consuming FileDescriptor, _ driver: (any VolumeDriver)?,
        _ perform: (VolumeWork) -> VolumeReport?
    ) -> Int32 {
        let held = Held(socket)
        var told: UInt64 = 0
        driver?.progress = { progress in
            let now = Timer.now
            if told != 0, now < told + pause { return }
            told = now
            _ = held.value.sendPacket(VolumeReport.progress(VolumeProgress(progress)).encoded())
        }
        while true {
            switch held.value.receivePacket(limit: WardenFormat.messageLimit) {
            case .packet(let packet):
                guard let work = try? VolumeWork(packet.bytes) else { return 64 }
                FailPoint.pass(.volumeWorkBegun)
                told = 0
                guard let report = perform(work) else { return 64 }
                FailPoint.pass(.volumeWorkDone)
                guard case .bytes = held.value.sendPacket(report.encoded()) else { return 1 }
            case .end: return 0
            case .wouldBlock, .tooLarge, .failed: return 1
            }
        }
    }

    private static func perform(_ work: VolumeWork, _ driver: any VolumeDriver) -> VolumeReport? {
        do throws(VolumeError) {
            switch work {
            case .makeRoom: try driver.makeRoom()
            case .snapshot(let key, let copy): try driver.snapshot(VolumeName(key), as: VolumeName(copy))
            case .restore(let key, let snapshot):
                try driver.restore(VolumeName(key), from: VolumeName(snapshot))
            case .fork(let key, let order):
                _ = try driver.fork(
                    VolumeName(key), as: VolumeName(order.key),
                    VolumeRequest(
                        limits: VolumeLimits(bytes: order.limits.bytes, inodes: order.limits.inodes),
                        allowSoft: order.allowSoft))
            case .resize(let key, let limits):
                try driver.resize(
                    VolumeName(key), to: VolumeLimits(bytes: limits.bytes, inodes: limits.inodes))
            case .settle(let numbers):
                try driver.takeUp(unsettled: numbers)
                let left = try driver.settle()
                let again = Set(driver.unsettled)
                return .settled(left: UInt32(clamping: left), numbers: numbers.filter(again.contains))
            case .tend: return .troubles(try driver.tend().map(\.text))
            case .image: return nil
            }
            return .done
        } catch {
            return .refused(Refusal(error))
        }
    }
}

extension VolumeProgress {
    init(_ progress: CopyProgress) {
        self.init(
            entries: progress.entries, done: progress.copied + progress.shared, total: progress.total)
    }
}
