import Configuration
import Glibc
import Sandbox

/// What shows that a warden belongs to the daemon that a command means: `corral daemon stop --sessions` must
/// not end another one's sessions.
///
/// The daemon is found by its socket, the warden by the directories of the settings; where the socket is
/// set by itself (`CORRAL_SOCKET_PATH`, `socket.path`) these may be two daemons' parts.
struct WardenOwner {
    let place: DaemonPlace
    /// Whether somebody listens at the daemon's socket.
    let hasDaemon: Bool
    /// What that one says of itself (`/v1/info`); nil where it says nothing.
    let info: DaemonAnswer?
    /// The process of the warden at the place; nil where none is found.
    let warden: Int32?
    /// Sessions of that warden, from itself; nil where it is busy with a corrald, or not asked.
    let unserved: UInt64?

    /// - Throws: when it is not certain that they belong together.
    func check() throws(CommandError) {
        guard hasDaemon else { return try checkAlone() }
        guard let info else {
            guard socketIsElsewhere else { return }
            throw CommandError(
                "corrald at \(shown(place.socket)) does not answer, so it is not known whose the warden at "
                    + "\(shown(place.wardenSocket)) is; nothing was ended\(cure)")
        }
        if let state = info.text("state"), !isSame(state, place.state) {
            throw CommandError(
                "corrald at \(shown(place.socket)) has the state directory \(shown(state)), and the settings say "
                    + "\(shown(place.state)); nothing was ended; give --state \(shown(state))")
        }
        if warden == nil, info.text("warden_version")?.isEmpty == false {
            throw CommandError(
                "corrald at \(shown(place.socket)) has a warden, and at \(shown(place.wardenSocket)) there is none "
                    + "that the caller may end; nothing was ended\(cure)")
        }
    }

    private func checkAlone() throws(CommandError) {
        guard warden != nil else { return }
        guard !socketIsElsewhere else {
            throw CommandError(
                "no corrald listens at \(shown(place.socket)), so it is not known whose the warden at "
                    + "\(shown(place.wardenSocket)) is; nothing was ended\(cure)")
        }
        guard unserved != nil else {
            throw CommandError(
                "the warden at \(shown(place.wardenSocket)) is busy or serves a corrald that does not listen at "
                    + "\(shown(place.socket)); nothing was ended; end that corrald first")
        }
    }

    private var cure: String { "; give --state with that daemon's state directory, not its socket alone" }

    /// The socket is the caller's word, and the directories are not: a file has both for one daemon.
    private var socketIsElsewhere: Bool {
        place.settings[.socketPath].origin.isOfTheCall
            && ![SettingKey.state, .runtime].contains { place.settings[$0].origin.isOfTheCall }
    }

    /// Two names may be one directory's.
    private func isSame(_ path: String, _ other: String) -> Bool {
        if path == other { return true }
        guard let one = identity(path), let two = identity(other) else { return false }
        return one == two
    }

    private func identity(_ path: String) -> [UInt64]? {
        var found = stat()
        guard unsafe stat(path, &found) == 0 else { return nil }
        return [UInt64(found.st_dev), UInt64(found.st_ino)]
    }
}
