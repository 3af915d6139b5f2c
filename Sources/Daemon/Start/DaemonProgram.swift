import Cgroups
import Configuration
import FailPoints
import Glibc
import Linux
import Preparation
import Sandbox
import Service
import ServiceManager
import Store

/// `corrald` as a process.
package enum DaemonProgram {
    /// Carries out a command line.
    /// - Returns: the exit code: 0 after an orderly end, 64 for a command line that is not understood, 75 when
    ///   it has to be started again, 1 else.
    package static func run(_ words: [String]) -> Int32 {
        let options: DaemonOptions
        do throws(StartProblemText) {
            options = try DaemonOptions(words)
        } catch {
            return fail(error.description, 64)
        }
        if options.isVersion {
            let bytes = Array("corrald \(CorralVersion.current)\n".utf8)
            _ = unsafe bytes.span.withUnsafeBufferPointer { unsafe write(1, $0.baseAddress, $0.count) }
            return 0
        }
        // Whoever started it by a descriptor gave it the descriptor's number as a name (execveat(2)).
        try? FileDescriptor.open("/proc/self/comm", O_WRONLY).writeAll(Array("corrald".utf8))
        let start: DaemonStart
        do throws(StartProblemText) {
            start = try DaemonStart(options, try manager(options))
        } catch {
            return fail(error.description, 1)
        }
        do {
            return try start.run()
        } catch {
            start.log.line(.error, "\(error)")
            return (error as? StartProblemText)?.exitCode ?? 1
        }
    }

    /// Whoever becomes the warden leaves what is said to it to that one, which is the same process.
    private static func manager(_ options: DaemonOptions) throws(StartProblemText) -> ManagerLink? {
        if options.part == .warden { return nil }
        do throws(ManagerProblem) {
            return try ManagerLink.take()
        } catch {
            throw StartProblemText(error.description)
        }
    }

    private static func fail(_ why: String, _ code: Int32) -> Int32 {
        DaemonLog(format: "auto", least: "error").line(.error, why)
        return code
    }

    static var environment: [String] {
        var entries: [String] = []
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            entries.append(unsafe String(cString: entry))
            unsafe next += 1
        }
        return entries
    }
}

/// Everything that corrald does before it serves, in the order in which it has to be done.
struct DaemonStart {
    let options: DaemonOptions
    let settings: Settings
    let manager: ManagerLink?
    let log: DaemonLog

    /// - Parameter manager: the service manager that has started this process.
    init(_ options: DaemonOptions, _ manager: ManagerLink?) throws(StartProblemText) {
        self.options = options
        self.manager = manager
        let loaded = try DaemonStart.load(options)
        settings = loaded.settings
        log = DaemonLog(format: settings.text(.logFormat), least: settings.text(.logLevel))
        for warning in loaded.warnings { log.line(.warning, warning) }
        manager?.complain = { [log] in log.line(.warning, $0) }
    }

    /// - Parameter place: of a daemon that runs: root's stays root's, whoever it has become.
    static func load(
        _ options: DaemonOptions, place: Place? = nil
    ) throws(StartProblemText) -> LoadedSettings {
        let environment = DaemonProgram.environment
        func variable(_ name: String) -> String? {
            environment.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.utf8.count + 1)) }
        }
        let own = options.part == .system ? .system : Place.of(uid: geteuid(), variable: variable)
        guard let place = place ?? own else {
            throw StartProblemText("there is no home directory; set HOME, or XDG_STATE_HOME and its like")
        }
        let loaded = read(options, place)
        guard loaded.errors.isEmpty else {
            throw StartProblemText(loaded.errors.map(\.description).joined(separator: "\n"))
        }
        return loaded
    }

    static func read(_ options: DaemonOptions, _ place: Place) -> LoadedSettings {
        LoadedSettings.load(place: place, environment: DaemonProgram.environment, options: options.layer)
    }

    func run() throws -> Int32 {
        FailPoint.pass(.daemonStarted)
        let isRoot = geteuid() == 0
        let user = try isRoot ? account() : nil
        let directories = Directories(settings)
        if options.part == .warden { return try becomeWarden(for: user, directories) }
        if options.part == .whole {
            try directories.make(for: user)
        } else {
            try prepareAlone(directories, user)
        }
        let lock = try directories.lock(for: user)
        let listener = try listener(directories)
        let network = try settings.tcpAddress.map { (address) throws(StartProblemText) in
            Held<FileDescriptor?>(try directories.listen(at: address))
        }
        try DescriptorRoom.takeAll()
        // As the library that looks images up has it, here and in the warden.
        tellImages()
        let warden =
            options.part == .whole
            ? try WardenProcess(settings, directories, uid: user?.uid ?? geteuid()) : nil
        if isRoot {
            // It has to be there before the privileges go that start it.
            try warden?.bringUp(socket: directories.wardenSocket)
        } else if warden != nil {
            makeRoom()
        }
        if let user { try giveUp(user, directories) } else { try Privileges.seal() }
        defer { withExtendedLifetime(lock) {} }
        return try serve(directories, listener, network ?? Held(nil), isRoot ? nil : warden)
    }

    private func serve(
        _ directories: Directories, _ listener: consuming FileDescriptor, _ network: Held<FileDescriptor?>,
        _ warden: WardenProcess?
    ) throws -> Int32 {
        let loop = try EventLoop()
        let opened = try StateStore.open(in: directories.daemon, at: DaemonClock.wall)
        var place = Daemon.Place(
            wardenSocket: directories.wardenSocket, startWarden: nil, state: directories.state)
        if options.part != .whole { place.wardenCure = wardenCure }
        if let warden {
            let socket = directories.wardenSocket
            place.startWarden = { () throws(StartProblemText) in
                WardenProcess.reap()
                try warden.bringUp(socket: socket)
            }
        }
        let installation = try? Installation.find(
            profiles: settings[.profiles].origin.isGiven ? settings.list(.profiles) : [])
        let daemon = Daemon(opened.store, settings, place, installation, on: loop, log: log)
        daemon.manager = manager
        if let aside = opened.setAside {
            daemon.storeState = .setAside
            log.line(.error, "the store could not be used and was set aside: \(aside)")
        }
        if let loss = opened.auditLoss { daemon.noteLoss(loss) }
        let signals = try SignalEvents(daemon, options)
        defer { withExtendedLifetime(signals) {} }
        try daemon.restore()
        FailPoint.pass(.daemonRestored)
        try daemon.connect(within: 30_000_000_000, evenIfAbsent: warden != nil)
        FailPoint.pass(.daemonConnected)
        let held = Held<FileDescriptor?>(listener)
        daemon.reconcile {
            daemon.beginServing(held, network: network)
            FailPoint.pass(.daemonServing)
            if let history = opened.unchecked { daemon.check(history) }
        }
        try daemon.run()
        return daemon.exitCode
    }
}
