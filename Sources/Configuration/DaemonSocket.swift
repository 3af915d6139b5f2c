/// Which daemon a command asks: the caller's own, or the one that all users of the machine share.
package enum DaemonSocket {
    /// Sockets to look for, the most likely first.
    ///
    /// An ordinary user who says nothing else is asking the system's daemon where there is none of the
    /// user's own; whoever names a directory or a socket means that one.
    /// - Parameter system: root's settings, as far as the caller can read them.
    package static func candidates(_ settings: Settings, system: () -> Settings) -> [String] {
        let own = settings.text(.socketPath)
        let isChosen = [SettingKey.state, .runtime, .socketPath].contains {
            settings[$0].origin.isGiven
        }
        if settings.place.isSystem || isChosen { return [own] }
        return [own, system().text(.socketPath)]
    }

    /// The first that is there; where none is, the caller's own.
    package static func choose(_ candidates: [String], isThere: (String) -> Bool) -> String {
        candidates.first(where: isThere) ?? candidates.first ?? ""
    }
}
