import Linux

extension HostProgram {
    /// This very program, with other words behind `corral`, whatever lies in its file's place by now.
    init(corral words: [String]) {
        self.init(
            path: "/proc/self/exe", words: ["corral"] + words, environment: HostProgram.ownEnvironment)
    }
}
