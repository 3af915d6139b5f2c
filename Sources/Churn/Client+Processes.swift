import Client
import Glibc
import TestSupport
import Wire

// Operations on processes, and what has to be true of them.

extension ChurnClient {
    private func word() -> String { "w\(UInt32.random(in: 0 ... .max, using: &random))" }

    /// Whether a refusal means no more than that the session is gone with its warden.
    func excused(_ index: Int, _ reply: Reply, _ what: String) throws {
        if mayBeLost(sessions[index]) { return try look(index) }
        wrong("\(what) in \(sessions[index].name): \(reply)")
    }

    // MARK: Beginning

    /// Whose answer is lost has nothing to say: it may have run.
    func exec(_ index: Int) throws {
        count("exec")
        let (word, code) = (word(), Int.random(in: 0...9, using: &random))
        let text = "echo \(word); exit \(code)"
        let reply = ask(.post, path(index, "exec"), JSONText.object { $0.add("shell", text) })
        switch reply {
        case .lost: return
        case .answer(let result?, _)
        where result["exit"]?.text == "\(code)" && result["stdout"]?.text == Base64Text.encode("\(word)\n"):
            return
        default: try excused(index, reply, "exec \(text)")
        }
    }

    func execDetached(_ index: Int) throws {
        count("exec --detach")
        let (word, code) = (word(), Int.random(in: 0...9, using: &random))
        let body = JSONText.object { object in
            object.add("shell", "echo \(word); exit \(code)")
            object.add("detach", true)
        }
        let reply = ask(.post, path(index, "exec"), body)
        switch reply {
        case .lost: return
        case .answer(let result?, _):
            sessions[index].processes.append(
                ModelProcess(
                    id: result["process"]?.text ?? "", kind: .exec(exit: code), output: "\(word)\n"))
        default: try excused(index, reply, "exec")
        }
    }

    /// Something that runs until somebody ends it, or fails.
    func start(_ index: Int, failing: Bool) throws {
        count(failing ? "start --restart" : "start")
        let word = word()
        let shell = "echo \(word); \(failing ? "exit 3" : "exec sleep 86398")"
        try start(index, shell, failing: failing, output: "\(word)\n")
    }

    /// Something that writes line after line for a while, and stays.
    func talk(_ index: Int) throws {
        count("start, talking")
        let (word, lines) = (word(), 90)
        let filling = String(repeating: word, count: 20)
        let shell = """
            i=0; while [ $i -lt \(lines) ]; do echo \(word) $i \(filling); i=$((i + 1))
            [ $((i % 30)) -ne 0 ] || sleep 0.05; done; exec sleep 86398
            """
        let output = (0..<lines).map { "\(word) \($0) \(filling)\n" }.joined()
        try start(index, shell, failing: false, output: output)
    }

    /// Whether one whose answer was lost is there is asked for by its name.
    private func start(_ index: Int, _ shell: String, failing: Bool, output: String) throws {
        let name = "p\(sessions[index].processes.count)-\(word())"
        let body = JSONText.object { object in
            object.add("name", name)
            object.add("shell", shell)
            if failing {
                object.add("restart", "on-failure")
                object.add("restarts", 1)
            }
        }
        var reply = ask(.post, path(index, "processes"), body)
        if case .lost = reply {
            reply = try get(path(index, "processes", name))
            if case .refused(let why) = reply, why.status == 404 { return }
        }
        guard case .answer(let found?, _) = reply else { return try excused(index, reply, "start") }
        sessions[index].processes.append(
            ModelProcess(
                id: found["id"]?.text ?? "", kind: failing ? .failing(restarts: 1) : .sleeper,
                output: output))
    }

    // MARK: In between

    private func sleeper(_ index: Int) -> Int? {
        sessions[index].processes.indices.filter { place in
            guard case .sleeper = sessions[index].processes[place].kind else { return false }
            return sessions[index].processes[place].end == nil
        }.randomElement(using: &random)
    }

    /// Half of the time all that it wrote was seen before it is ended, and has to stay.
    private func listen(_ index: Int, _ place: Int) throws {
        if Bool.random(using: &random) { try compareLogs(index, place) }
    }

    /// KILL, to something that runs.
    func signal(_ index: Int) throws {
        guard let place = sleeper(index) else { return }
        count("signal")
        try listen(index, place)
        let id = sessions[index].processes[place].id
        // Before it runs it takes no signal.
        guard try waitFor("running", index, place) else { return }
        let body = JSONText.object { $0.add("signal", "KILL") }
        let (reply, again) = try insist(.post, path(index, "processes", id, "signal"), body)
        switch reply {
        case .answer: sessions[index].processes[place].end = "signalled"
        case .refused(let why) where why.status == 410 && again:
            sessions[index].processes[place].end = "signalled"
        case .refused where again:
            // The first one was on its way: it is ending.
            sessions[index].processes[place].end = "signalled"
        default: try excused(index, reply, "signal")
        }
    }

    func stop(_ index: Int) throws {
        guard let place = sleeper(index) else { return }
        count("stop")
        try listen(index, place)
        let id = sessions[index].processes[place].id
        let body = JSONText.object { $0.add("grace", 2000) }
        let reply = try insist(.post, path(index, "processes", id, "stop"), body).reply
        guard case .answer(let found?, _) = reply, found["state"]?.text == "ended",
            found["cause"]?.text == "operator"
        else { return try excused(index, reply, "stop") }
        sessions[index].processes[place].end = "operator"
    }

    /// What it wrote, from the first byte.
    func logs(_ index: Int) throws {
        let finished = sessions[index].processes.indices.filter { place in
            if case .failing = sessions[index].processes[place].kind { return false }
            return true
        }
        guard let place = finished.randomElement(using: &random) else { return }
        count("logs")
        try compareLogs(index, place)
    }

    /// All of it; of what was killed as much as was there by then, and no less than was shown before.
    private func compareLogs(_ index: Int, _ place: Int) throws {
        let process = sessions[index].processes[place]
        let output = Array(process.output.utf8)
        var last = Reply.lost
        let isRight = try eventually(within: 120) {
            last = try get(path(index, "processes", process.id, "logs"))
            if case .answer(_, let bytes) = last, output.starts(with: bytes),
                bytes.count >= (process.end == nil ? output.count : process.seen)
            {
                sessions[index].processes[place].seen = bytes.count
                return true
            }
            return try hasEnded(index)
        }
        if sessions[index].cause == nil, !isRight {
            try excused(index, last, "logs of \(process.id), not \(output.count) bytes")
        }
    }

    // MARK: Comparing

    /// Whether nothing more is to be waited for in a session that lost its warden.
    private func hasEnded(_ index: Int) throws -> Bool {
        guard mayBeLost(sessions[index]) else { return false }
        try look(index)
        return sessions[index].cause != nil
    }

    private func waitFor(_ state: String, _ index: Int, _ place: Int) throws -> Bool {
        let id = sessions[index].processes[place].id
        var last = Reply.lost
        let isSo = try eventually(within: 120) {
            last = try get(path(index, "processes", id))
            if case .answer(let found?, _) = last, found["state"]?.text == state { return true }
            return try hasEnded(index)
        }
        if isSo { return sessions[index].cause == nil }
        try excused(index, last, "process \(id) does not become \(state)")
        return false
    }

    func compareProcesses(of index: Int) throws {
        let reply = try get(path(index, "processes"))
        guard case .answer(let list?, _) = reply else { return try excused(index, reply, "processes") }
        let found = list["processes"]?.list ?? []
        for process in sessions[index].processes {
            guard let entry = found.first(where: { $0["id"]?.text == process.id }) else {
                try excused(index, reply, "process \(process.id) is not there")
                return
            }
            if let problem = problem(process, entry), !mayBeLost(sessions[index]) {
                wrong("\(sessions[index].name): \(problem): \(entry.brief)")
            }
        }
        for id in Set(found.compactMap { $0["id"]?.text }) where id.utf8.count != 16 {
            wrong("a process has the id \(id)")
        }
    }

    /// - Returns: what is wrong with what the daemon says of it.
    private func problem(_ process: ModelProcess, _ entry: JSONTree) -> String? {
        let (state, exit) = (entry["state"]?.text ?? "", entry["exit"]?.text)
        guard state == "ended" else {
            return process.end == "operator" ? "process \(process.id) was stopped and is \(state)" : nil
        }
        switch (process.kind, process.end) {
        case (.exec(let code), _): return exit == "\(code)" ? nil : "an exec has to exit with \(code)"
        case (.failing(let restarts), _):
            let done = entry["restarts"].flatMap { Int($0.text) } ?? 0
            return exit == "3" && done >= restarts ? nil : "it has to be restarted \(restarts) times"
        case (.sleeper, "operator"?): return entry["cause"]?.text == "operator" ? nil : "it was stopped"
        case (.sleeper, "signalled"?): return entry["signal"]?.text == "9" ? nil : "it was killed by 9"
        case (.sleeper, _): return "a sleeper has ended"
        }
    }

    /// What ends by itself has ended, with everything that it wrote; what was not ended runs.
    func settleProcesses(of index: Int) throws {
        for place in sessions[index].processes.indices {
            let process = sessions[index].processes[place]
            var wanted = "ended"
            if case .sleeper = process.kind, process.end == nil { wanted = "running" }
            guard try waitFor(wanted, index, place) else { continue }
            if case .failing = process.kind { continue }
            try compareLogs(index, place)
        }
        if sessions[index].cause == nil { try compareProcesses(of: index) }
    }
}

/// RFC 4648, section 4.
enum Base64Text {
    static func encode(_ text: String) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bytes = Array(text.utf8)
        var result = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            let bits = (0..<3).reduce(0) { $0 << 8 | Int($1 < part.count ? part[start + $1] : 0) }
            for index in 0..<4 {
                result.append(index <= part.count ? digits[bits >> (18 - 6 * index) & 63] : "=")
            }
        }
        return result
    }
}
