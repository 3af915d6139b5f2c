import Testing
import Wire

@testable import Commands

@Suite struct SessionCreateTests {
    private func request(_ words: String...) throws -> String {
        try SessionCreate.request(Arguments(parsing: words, for: SessionCreate.command)).description
    }

    @Test func `nothing is asked for that was not given`() throws {
        #expect(try request() == "{}")
        #expect(try request("--ttl", "none") == #"{"ttl":null}"#)
    }

    @Test func `every option becomes the member that the API has for it, in the API's units`() throws {
        let words = [
            "--name", "n", "--profile", "p", "--image", "i", "--tenant", "t", "--memory", "1MiB0",
        ]
        #expect(throws: CommandError.self) {
            try SessionCreate.request(Arguments(parsing: words, for: SessionCreate.command))
        }
        #expect(
            try request(
                "--name", "n", "--profile", "p", "--image", "i", "--tenant", "t", "--memory", "64MiB",
                "--pids", "5", "--cpus", "1.5", "--cpu-time", "none", "--output-limit", "1KiB", "--nofile",
                "64",
                "--ulimit", "fsize=2", "--ttl", "90s", "--idle", "5m", "--max", "2h", "--persistent",
                "--idempotency-key", "k") == #"{"name":"n","profile":"p","image":"i","tenant":"t","limits":"#
                + #"{"memory":67108864,"pids":5,"cpus":1500,"cpu_time":null,"output":1024,"file_size":2,"#
                + #""open_files":64},"ttl":90000,"idle":300000,"max":7200000,"persistent":true,"#
                + #""idempotency_key":"k"}"#)
    }

    @Test func `a workspace is a name, or a size with what goes with it`() throws {
        #expect(try request("--workspace", "data") == #"{"workspace":"data"}"#)
        #expect(
            try request("--workspace", "data:shared") == #"{"workspace":"data","workspace_shared":true}"#)
        #expect(try request("--workspace", "/srv/a:shared") == #"{"directory":"/srv/a:shared"}"#)
        #expect(try request("--workspace", "/srv/a/") == #"{"directory":"/srv/a"}"#)
        #expect(
            try request("--disk", "1MiB", "--inodes", "5", "--allow-soft-quota")
                == #"{"quota":{"bytes":1048576,"inodes":5,"soft":true}}"#)
        for words in [
            ["--workspace", "data:"], ["--workspace", "data:ro"], ["--workspace", "./data"],
            ["--workspace", "srv/data"],
            ["--inodes", "5"], ["--allow-soft-quota"],
            ["--disk", "0"], ["--disk", "-1MiB"], ["--disk", "5 GB"], ["--disk", "1MiB", "--inodes", "0"],
        ] {
            #expect(throws: CommandError.self, "\(words)") {
                try SessionCreate.request(Arguments(parsing: words, for: SessionCreate.command))
            }
        }
    }

    @Test func `a workspace and its snapshots are told apart by an at sign`() throws {
        #expect(WorkspacePlace("data").snapshot == nil)
        #expect(
            WorkspacePlace("data@a@b").workspace == "data" && WorkspacePlace("data@a@b").snapshot == "a@b")
        #expect(WorkspacePlace("data@before").description == "data@before")
        #expect(try WorkspacePlace.snapshot("data@before") == ("data", "before"))
        #expect(throws: CommandError.self) { try WorkspacePlace.whole("data@before") }
        for word in ["data", "data@", ""] {
            #expect(throws: CommandError.self, "\(word)") { try WorkspacePlace.snapshot(word) }
        }
    }

    @Test func `a limit that nobody keeps never looks as if it held`() {
        #expect(WorkspaceCommand.limit(nil, "none") == "-")
        #expect(WorkspaceCommand.limit("1 GiB", "enforced") == "1 GiB")
        #expect(WorkspaceCommand.limit("5", "counted as bytes") == "5")
        #expect(WorkspaceCommand.limit("1 GiB", "not enforced (no driver)") == "1 GiB (not enforced)")
        #expect(WorkspaceCommand.limit("1 GiB", "unknown") == "1 GiB (unknown)")
    }

    @Test func `of labels and variables that are given twice the last counts`() throws {
        #expect(
            try request("-l", "a=1", "-l", "b", "-l", "a=2=3", "-e", "X=1", "--env", "Y=值", "-e", "X=2")
                == #"{"labels":{"b":"","a":"2=3"},"env":{"Y":"值","X":"2"}}"#)
    }
}
