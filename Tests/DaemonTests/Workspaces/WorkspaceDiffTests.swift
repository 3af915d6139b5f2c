import TestSupport
import Testing
import Wire

/// What differs between a workspace and its snapshots, over the API and at a shell.
@Suite(.serialized, VolumeHost.trait) struct WorkspaceDiffTests {
    private func lines(_ daemon: TestDaemon, _ query: String) throws -> [String] {
        var (lines, after) = ([String](), "")
        repeat {
            let page = try daemon.call(
                "GET", "/v1/workspaces/data/diff?\(query)" + (after.isEmpty ? "" : "&after=\(after)"))
            try #require(page.status == 200, "\(page.text)")
            lines += (page["changes"]?.list ?? []).map { change in
                let what = change["what"]?.list.compactMap(\.text).joined(separator: ",") ?? ""
                return ["change", "type", "path"].map { change[$0]?.text ?? "?" }.joined(separator: " ")
                    + (what.isEmpty ? "" : " \(what)")
            }
            after = page.text("next")
        } while !after.isEmpty
        return lines
    }

    private func snapshot(_ daemon: TestDaemon, _ name: String) throws {
        let made = try daemon.call("POST", "/v1/workspaces/data/snapshots", #"{"name":"\#(name)"}"#)
        try #require(made.status == 201, "\(made.message)")
    }

    /// Contents of one size and with times that somebody set back are what a look at times alone would miss.
    @Test func `what was added, changed and removed since a snapshot is told, whoever has it meanwhile`()
        throws
    {
        let daemon = try TestDaemon()
        try daemon.workspace("data")
        let id = try daemon.session(#"{"workspace":"data"}"#)
        try daemon.exec(
            id,
            """
            mkdir -p d/e gone/x; echo 1 >d/f; echo 1 >d/e/same; echo g >gone/x/y; ln -s a l; echo k >k; sync .
            """)
        try snapshot(daemon, "one")
        #expect(try lines(daemon, "from=one") == [])
        try daemon.exec(
            id,
            """
            t=$(stat -c %y d/f); echo 2 >d/f; touch -d "$t" d/f; rm -r gone; mkdir add; echo n >add/n
            ln -sfn b l; rm k; mkdir k; chmod 600 d/e/same; sync .
            """)
        let first = [
            "added directory add", "added file add/n", "changed file d/e/same mode",
            "changed file d/f content",
            "removed directory gone", "removed directory gone/x", "removed file gone/x/y",
            "changed directory k type", "changed link l target",
        ]
        #expect(try lines(daemon, "from=one") == first)
        try snapshot(daemon, "two")
        try daemon.exec(id, "echo 3 >d/f; sync .")
        #expect(try lines(daemon, "from=one&to=two") == first)
        #expect(try lines(daemon, "from=two") == ["changed file d/f content"])
        #expect(try lines(daemon, "from=two&to=two") == [])
        #expect(try lines(daemon, "from=two&to=one").contains("added file gone/x/y"))
        try daemon.end(id)
        #expect(try daemon.call("POST", "/v1/workspaces/data/restore", #"{"snapshot":"one"}"#).status == 200)
        #expect(try lines(daemon, "from=one") == [])
    }

    @Test func `many changes come in pages, and links lead nowhere`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data", bytes: 256 << 20)
        try snapshot(daemon, "empty")
        try daemon.using(
            "data",
            "mkdir a b; cd a; seq 1 2500 | xargs touch; cd ..; ln -s /etc etc; ln -s ../.. up; touch \"b/$(printf 'x\\ny')\"; sync ."
        )
        let page = try daemon.call("GET", "/v1/workspaces/data/diff?from=empty")
        #expect(page["changes"]?.list.count == 1000 && page.text("next").hasPrefix("a/"), "\(page.status)")
        let all = try lines(daemon, "from=empty").filter { !$0.contains("\n") }
        #expect(all.count == 2500 + 4 && all.contains("added link etc"), "\(all.count)")
        #expect(Set(all).count == all.count && !all.contains { $0.contains("passwd") })
        let text = try daemon.call("GET", "/v1/workspaces/data/diff?from=empty&after=b")
        #expect(text["changes"]?.list.first?["path"]?.text == "b/x\ny")
        let odd = try daemon.call("GET", "/v1/workspaces/data/diff?from=empty&after=b/x%0Ay")
        #expect(odd["changes"]?.list.first?["path"]?.text == "etc", "\(odd.text)")
    }

    @Test func `a question that is wrong is refused with its reason`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data")
        try snapshot(daemon, "s")
        for (path, status, says) in [
            ("data/diff", 400, "from"), ("data/diff?from=", 404, "snapshot-absent"),
            ("data/diff?from=none", 404, "snapshot-absent"),
            ("data/diff?from=s&to=none", 404, "snapshot-absent"),
            ("none/diff?from=s", 404, "workspace-absent"), ("data@s/diff?from=s", 404, "workspace-absent"),
            ("data/diff?from=s&after=../x", 400, "after"), ("data/diff?from=s&after=", 400, "after"),
            ("data/diff?from=s&after=%00", 400, "control character"),
            ("data/diff?from=s&whole=1", 400, "whole"),
            ("data/diff?from=s&from=s", 400, "from"), ("data/diff?from=..%2Fs", 404, "snapshot-absent"),
        ] {
            let answer = try daemon.call("GET", "/v1/workspaces/\(path)")
            #expect(answer.status == status && answer.text.contains(says), "\(path): \(answer.text)")
        }
    }

    @Test func `at a shell each change is a line, as docker diff has it`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data")
        func corral(_ words: String...) throws -> Program.Outcome {
            try Program.run(
                [Product.path("corral"), "workspace", "diff"] + words, environment: daemon.environment,
                timeout: 120)
        }
        let none = try corral("data")
        #expect(none.status == 1 && none.errors.contains("has no snapshot"), "\(none.errors)")
        try daemon.using("data", "echo 1 >f; echo 2 >g; sync .")
        try snapshot(daemon, "one")
        try daemon.using(
            "data", "echo 3 >f; rm g; mkdir d; touch \"d/$(printf '\\033]x')\" \"$(printf '\\377')\"; sync .")
        let told = try corral("data")
        #expect(told.status == 0 && told.output.hasPrefix("A d/\nA d/"), "\(told.output)\(told.errors)")
        #expect(told.output.hasSuffix("\nC f (content)\nD g\n") && !told.output.contains("\u{1b}"))
        #expect(told.errors.contains("1 name was not compared"), "\(told.errors)")
        try snapshot(daemon, "two")
        #expect(try corral("data").output == "")
        #expect(try corral("data", "one").output == told.output)
        let json = try corral("-o", "jsonl", "data", "two", "one").output.split(separator: "\n")
        #expect(json.count == 4)
        #expect(try JSONTree(parsing: Array(json[3].utf8))["change"]?.text == "added")
        for (words, says) in [
            (["none"], "no workspace"), (["data", "none"], "no snapshot"), (["data@one"], "is a snapshot"),
            (["data", "one", "none"], "no snapshot"), (["data", "../x"], "no snapshot"),
        ] {
            let refused = try Program.run(
                [Product.path("corral"), "workspace", "diff"] + words, environment: daemon.environment)
            #expect(refused.status == 1 && refused.errors.contains(says), "\(words): \(refused.errors)")
        }
    }
}
