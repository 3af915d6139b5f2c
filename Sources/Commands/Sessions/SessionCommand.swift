/// `corral session`: sessions of a daemon.
enum SessionCommand {
    static let lifecycle: [Command] = []
}
