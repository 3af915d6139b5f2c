extension SessionCommand {
    /// What is done to the processes of a session, in the order that help shows.
    static let processes: [Command] = []
}
