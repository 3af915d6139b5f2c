import TestSupport

// `corral session ...` as somebody at a shell calls it.
extension TestDaemon {
    var environment: [String: String] {
        Program.environment.merging(["CORRAL_SOCKET_PATH": socket]) { $1 }
    }

    func words(_ words: [String]) -> [String] { [Product.path("corral"), "session"] + words }

    func corral(_ words: String..., stdin: [UInt8]? = nil) throws -> Program.Outcome {
        try Program.run(self.words(words), environment: environment, stdin: stdin, timeout: 120)
    }

    func begin(_ words: String..., stdin: [UInt8]? = nil) throws -> RunningProgram {
        try Program(self.words(words), environment: environment, input: stdin).start()
    }

    /// A line for bash in which `$corral` is `corral session`.
    func pipeline(_ line: String) throws -> Program.Outcome {
        try Program.run(
            ["bash", "-c", "corral=\"$0 session\"; \(line)", Product.path("corral")],
            environment: environment, timeout: 300)
    }

    /// Every process of a session.
    func processes(_ session: String) throws -> [Answer] {
        let list = try call("GET", "/v1/sessions/\(session)/processes")["processes"]?.list ?? []
        return try list.compactMap { $0["id"]?.text }.map {
            try call("GET", "/v1/sessions/\(session)/processes/\($0)")
        }
    }
}
