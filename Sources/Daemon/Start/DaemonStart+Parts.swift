import Cgroups
import Configuration
import Glibc
import Linux
import ServiceManager

// What corrald takes and gives up at its start, by who it is among services: docs/systemd.md.

extension DaemonStart {
    /// Whom root's corrald becomes, and whom its warden serves.
    func account() throws(StartProblemText) -> Accounts.User {
        let name = settings.textOrNone(.user) ?? "none"
        guard let user = Accounts.user(name), user.uid != 0 else {
            throw StartProblemText(
                "there is no account \(name) but root's to run as; make install creates it")
        }
        return user
    }

    func tellImages() {
        guard settings[.images].origin.isGiven else { return }
        unsafe setenv("CORRAL_IMAGES", settings.text(.images), 1)
    }

    /// Executes the warden in this process's place, with the command line that the settings amount to: what
    /// starts it, as a service of its own, needs to know none of them.
    func becomeWarden(
        for user: Accounts.User?, _ directories: Directories
    ) throws(StartProblemText) -> Int32 {
        try directories.make(for: user)
        if let user { try directories.handOver(to: user) }
        tellImages()
        let warden = try WardenProcess(settings, directories, uid: user?.uid ?? geteuid())
        // Here already: what it starts before its first sandbox would be in the way of the groups else.
        makeRoom()
        throw warden.become()
    }

    /// What a corrald without a warden of its own needs: in the places of the system others have made it.
    /// - Parameter user: whom root's becomes.
    func prepareAlone(_ directories: Directories, _ user: Accounts.User?) throws(StartProblemText) {
        guard options.part == .system else { return try directories.make(for: user) }
        let user = try account()
        guard geteuid() == user.uid else {
            throw StartProblemText(
                "--system is for a corrald that is started as the user \(settings.text(.user)) (uid \(user.uid)), and "
                    + "this is uid \(geteuid()); root starts one without --system")
        }
        try directories.check(cure: wardenCure)
    }

    /// What to do where no warden serves and this process may not start one.
    var wardenCure: String {
        options.part == .system
            ? "systemctl start corral-warden starts it" : "systemctl --user start corral-warden starts it"
    }

    /// The socket of the API: the one that was passed, or one of its own.
    func listener(_ directories: Directories) throws(StartProblemText) -> FileDescriptor {
        if let passed = manager?.sockets, !passed.isEmpty { return try adopt(passed, directories) }
        let isRoot = geteuid() == 0
        // Before the drop, since it may be for a group.
        let group = settings.textOrNone(.socketGroup).flatMap { Accounts.group($0) }
        let mode = group == nil ? 0o600 : mode_t(settings.number(.socketMode))
        do throws(StartProblemText) {
            return try directories.listen(mode: isRoot ? mode : 0o600, group: isRoot ? group : nil)
        } catch {
            guard options.part == .system else { throw error }
            throw StartProblemText("\(error); systemctl start corral.socket makes it and hands it over")
        }
    }

    private func adopt(
        _ passed: [PassedSocket], _ directories: Directories
    ) throws(StartProblemText) -> FileDescriptor {
        guard let socket = passed.first, passed.count == 1 else {
            throw StartProblemText(
                "the service manager passed \(passed.count) sockets (\(passed.map(\.name).joined(separator: ", "))); "
                    + "expected one, that of the API")
        }
        do throws(ManagerProblem) {
            let listener = try socket.adopt(listeningAt: directories.socket, queue: 1024)
            log.line(.info, "the service manager passed the socket of the API")
            return listener
        } catch {
            throw StartProblemText(error.description)
        }
    }

    /// In a delegated cgroup: the warden, which is started in the same one, makes groups there.
    func makeRoom() {
        do throws(CgroupError) {
            try CgroupLayout.detect(isService: true).makeRoom()
        } catch {
            log.line(.warning, "corrald stays in the cgroup that it was started in: \(error)")
        }
    }

    /// Root's socket stays its owner's to remove.
    func giveUp(_ user: Accounts.User, _ directories: Directories) throws(StartProblemText) {
        do throws(SystemError) {
            try Privileges.drop(to: user)
        } catch {
            throw StartProblemText("privileges cannot be given up: \(error)")
        }
    }
}
