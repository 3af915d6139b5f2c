import CLinux
import Glibc
import Launch
import Linux
import Preparation
import Sandbox
import ServiceManager

/// `corral-warden` as a process.
package enum WardenProgram {
    /// Carries out a command line.
    /// - Returns: the exit code: 0 after an orderly end, 64 for a command line that is not understood, 1 else.
    package static func run(_ words: [String]) -> Int32 {
        if words == ["--version"] {
            print(line: "corral-warden \(CorralVersion.current)")
            return 0
        }
        if words.first == VolumeWorkerProgram.word {
            return VolumeWorkerProgram.run(Array(words.dropFirst()))
        }
        if words.first == HostMountProgram.word {
            return HostMountProgram.run(Array(words.dropFirst()))
        }
        do throws(WardenOptions.Problem) {
            let options = try WardenOptions(words)
            return serve(options, WardenLog(format: options.logFormat))
        } catch {
            WardenLog(format: "auto").line(.error, error.description)
            return 64
        }
    }

    private static func serve(_ options: WardenOptions, _ log: WardenLog) -> Int32 {
        do {
            let manager = try ManagerLink.take()
            manager.complain = { log.line(.warning, $0) }
            let start = try WardenStart.make(options, log)
            start.server.manager = manager
            manager.tell(.ready(pid: getpid(), status: "serving uid \(start.server.settings.allowedUID)"))
            try start.server.run()
            log.line(.info, "everything has ended")
            return 0
        } catch {
            log.line(.error, "\(error)")
            return 1
        }
    }

    private static func print(line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = unsafe bytes.span.withUnsafeBufferPointer { unsafe write(1, $0.baseAddress, $0.count) }
    }
}
