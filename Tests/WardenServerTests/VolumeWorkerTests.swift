// The processes that do what may wait for a disk: what goes on while one is held, and what is left where one dies.

import FailPoints
import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

@Suite(.serialized, .enabled(if: canMakeImages, "volumes need root, btrfs, loop devices and mkfs.btrfs"))
struct VolumeWorkerTests {
    private let place: TemporaryDirectory
    private let sheet: FailPointSheet

    init() throws {
        place = try TemporaryDirectory()
        sheet = try #require(FailPointSheet(path: place("points"), creating: true))
    }

    private func start(
        _ more: [String] = [], in directory: TemporaryDirectory? = nil, prefix: [String] = []
    ) throws -> VolumeBench {
        try VolumeBench(in: directory, more, prefix: prefix, points: sheet, at: place("points"))
    }

    /// Pids of the warden's children, the workers or the others.
    private func children(of bench: VolumeBench, workers: Bool) -> [pid_t] {
        File.names(in: "/proc").compactMap(pid_t.init).filter { pid in
            let status = File.text("/proc/\(pid)/status") ?? ""
            let isChild = status.contains("\nPPid:\t\(bench.warden.program.pid)\n")
            let words = File.text("/proc/\(pid)/cmdline") ?? ""
            // One that has ended and waits for the warden has no words.
            return isChild && !status.contains("\nState:\tZ") && words.contains("--volume-worker") == workers
        }
    }

    /// Asks without waiting for the answer.
    private func ask(_ bench: VolumeBench, _ request: WardenRequest) throws -> Later {
        let later = Later()
        try bench.client.link.send(request) { answer, _ in later.answer = answer }
        return later
    }

    private final class Later { var answer: WardenAnswer? }

    /// Turns the client's loop, so that events come in, until the point was passed by who is held or dead now.
    private func reached(_ point: FailPoint, _ bench: VolumeBench) throws {
        try bench.client.wait("\(point)") { sheet.armed(point) == 0 }
    }

    @Test func `while a worker is held sessions are made, used and answered`() throws {
        let bench = try start()
        let (notes, copy) = (VolumeBench.workspace("notes"), VolumeBench.snapshot("before"))
        try bench.make("notes", bytes: 8 * mebibyte)
        try bench.make("other", bytes: 8 * mebibyte)
        sheet.arm(.volumeBeforeCopy, 1, holding: true)
        let held = try ask(bench, .volumeSnapshot(notes, as: copy))
        try reached(.volumeBeforeCopy, bench)
        let after = try ask(bench, .volumeRemove(copy))
        // Sessions with a volume of their own, and with one that nobody works on.
        let (own, user) = (freshID(), freshID())
        try bench.client.session(own, workspace: VolumeBench.own(own, bytes: 8 * mebibyte))
        #expect(try bench.run(own, "echo yes >f && cat f").text == "yes\n")
        try bench.client.session(user, workspace: VolumeOrder(VolumeBench.workspace("other")))
        #expect(try bench.run(user, "dd if=/dev/zero of=f bs=1M count=40 conv=fsync").status == .exited(1))
        // Another worker does what else there is.
        let other = VolumeBench.workspace("other")
        _ = try bench.state(.volumeSnapshot(other, as: VolumeBench.snapshot("aside")))
        #expect(try bench.state(.volumeResize(other, VolumeAmounts(bytes: 16 * mebibyte))).users == 1)
        #expect(try bench.state(.volumeInspect(notes)).limits.bytes == 8 * mebibyte)
        try bench.client.finish(own)
        try bench.client.finish(user)
        // The control: it was held all the while, and what came behind it on the same volume waited.
        #expect(held.answer == nil && after.answer == nil)
        for pid in children(of: bench, workers: true) { kill(pid, SIGCONT) }
        try bench.client.wait("both answers") { held.answer != nil && after.answer != nil }
        guard case .volume(let state) = held.answer else {
            Issue.record("\(String(describing: held.answer))")
            return
        }
        #expect(state.key == copy && after.answer == .done)
        #expect(try bench.list() == [VolumeBench.snapshot("aside"), notes, other])
        try bench.end()
    }

    @Test func `while the first image is made others are served, and who needs it gets it`() throws {
        let bench = try start()
        sheet.arm(.volumeWorkBegun, 1, holding: true)
        let held = try ask(
            bench,
            .volumeCreate(VolumeOrder(VolumeBench.workspace("notes"), limits: VolumeAmounts(bytes: mebibyte)))
        )
        try reached(.volumeWorkBegun, bench)
        // Others come for it as well; one of them does not wait for what it asked for.
        let (own, given, plain) = (freshID(), freshID(), freshID())
        let waits = try ask(
            bench,
            .create(
                SessionOrder(
                    id: own, profile: "default", workspace: VolumeBench.own(own, bytes: 8 * mebibyte))))
        let killed = try ask(
            bench,
            .create(SessionOrder(id: given, profile: "default", workspace: VolumeBench.own(given))))
        #expect(try bench.client.ask(.kill(given)) == .done)
        // A session with a memory file system is made, used and ended.
        try bench.client.session(plain)
        #expect(try bench.run(plain, "echo yes >f && cat f").text == "yes\n")
        try bench.client.finish(plain)
        #expect(try bench.list().isEmpty)
        // The control: it was held all the while.
        #expect(held.answer == nil && waits.answer == nil && killed.answer == nil)
        for pid in children(of: bench, workers: true) { kill(pid, SIGCONT) }
        try bench.client.wait("the answers") {
            held.answer != nil && waits.answer != nil && killed.answer != nil
        }
        guard case .volume = held.answer, case .refused(let why) = killed.answer else {
            Issue.record("\(String(describing: held.answer)) \(String(describing: killed.answer))")
            return
        }
        #expect(waits.answer == .done && why.code == .state, "\(why)")
        #expect(try bench.run(own, "dd if=/dev/zero of=f bs=1M count=40 conv=fsync").status == .exited(1))
        try bench.client.finish(own)
        #expect(try eventually { try bench.list() == [VolumeBench.workspace("notes")] })
        try bench.end()
    }

    @Test func `where the process that makes the image is killed it is told, and the next request makes it`()
        throws
    {
        let bench = try start()
        sheet.arm(.volumeWorkBegun, 1)
        let order = VolumeOrder(VolumeBench.workspace("notes"), limits: VolumeAmounts(bytes: mebibyte))
        #expect(try bench.code(.volumeCreate(order)) == .volumeSystem)
        #expect(try bench.state(.volumeCreate(order)).limits.bytes == mebibyte)
        try bench.end()
    }

    @Test func `who makes a volume does not wait for what else is done for all volumes`() throws {
        let bench = try start(["--ceiling", "volume-image=1GiB", "--ceiling", "volume=512MiB"])
        for name in ["full", "gone"] { try bench.make(name, bytes: 400 * mebibyte) }
        sheet.arm(.volumeWorkBegun, 1, holding: true)
        let removed = try ask(bench, .volumeRemove(VolumeBench.workspace("gone")))
        try reached(.volumeWorkBegun, bench)
        try bench.make("next", bytes: 8 * mebibyte)
        // The control: who settles was held all the while.
        let stopped = children(of: bench, workers: true).filter {
            (File.text("/proc/\($0)/status") ?? "").contains("\nState:\tT")
        }
        #expect(removed.answer == .done && stopped.count == 1)
        for pid in stopped { kill(pid, SIGCONT) }
        try bench.end()
    }

    /// Where a worker may die, what it was asked for there, and whether that was done.
    private static let deaths: [(FailPoint, isRestore: Bool, isDone: Bool)] = [
        (.volumeWorkBegun, false, false), (.volumeBeforeCopy, false, false), (.volumeWorkDone, false, true),
        (.volumeCopied, true, false), (.volumeExchanged, true, true),
    ]

    @Test func `a worker that is killed is told of, and what it was to do can be asked for again`() throws {
        let bench = try start()
        let (notes, first) = (VolumeBench.workspace("notes"), VolumeBench.snapshot("first"))
        try bench.make("notes", bytes: 8 * mebibyte)
        try bench.top(.volumeOpen(notes)).value.write("one", to: "f")
        _ = try bench.state(.volumeSnapshot(notes, as: first))
        for (point, isRestore, isDone) in Self.deaths {
            // What is done for all volumes together passes these as well, and not while something else is asked for.
            try bench.top(.volumeOpen(notes)).value.write("two", to: "f")
            let copy = VolumeBench.snapshot("\(point)")
            let request =
                isRestore ? WardenRequest.volumeRestore(notes, from: first) : .volumeSnapshot(notes, as: copy)
            var refused: Refusal.Code?
            // House work may meet the point in place of the request.
            for _ in 0..<20 where refused == nil {
                sheet.arm(point, 1)
                let answer = try bench.client.ask(request)
                if case .refused(let why) = answer { refused = why.code }
                if refused == nil, !isRestore { _ = try bench.client.ask(.volumeRemove(copy)) }
            }
            sheet.arm(point, 0)
            #expect(refused == .volumeSystem, "\(point)")
            if isRestore {
                let text = try bench.top(.volumeOpen(notes)).value.text(of: "f")
                #expect(text == (isDone ? "one" : "two"), "\(point)")
                _ = try bench.state(request)
                #expect(try bench.top(.volumeOpen(notes)).value.text(of: "f") == "one")
            } else {
                #expect(try bench.list().contains(copy) == isDone, "\(point)")
                if !isDone { _ = try bench.state(request) }
                #expect(try bench.client.ask(.volumeRemove(copy)) == .done)
            }
        }
        #expect(try bench.client.ask(.volumeRemove(first)) == .done)
        #expect(try bench.client.ask(.volumeRemove(notes)) == .done)
        #expect(try eventually { try bench.client.ask(.volumeForget(tenant: "alice")) == .done })
        #expect(eventually { bench.quotaGroups().allSatisfy { $0 == "0_5" } }, "\(bench.quotaGroups())")
        try bench.end()
    }

    @Test func `a warden that is killed takes its workers along, and its successor has what there was`()
        throws
    {
        let directory: TemporaryDirectory
        let notes = VolumeBench.workspace("notes")
        var workers: [pid_t] = []
        do {
            let bench = try start()
            directory = bench.warden.directory
            try bench.make("notes", bytes: 8 * mebibyte)
            sheet.arm(.volumeBeforeCopy, 1, holding: true)
            _ = try ask(bench, .volumeSnapshot(notes, as: VolumeBench.snapshot("half")))
            try reached(.volumeBeforeCopy, bench)
            workers = children(of: bench, workers: true)
            #expect(!workers.isEmpty)
            _ = try bench.warden.kill()
        }
        #expect(eventually { workers.allSatisfy { kill($0, 0) < 0 } }, "\(workers) live")
        let bench = try start(in: directory)
        #expect(try bench.list() == [notes])
        _ = try bench.state(.volumeSnapshot(notes, as: VolumeBench.snapshot("half")))
        try bench.end()
        #expect(eventually { VolumeBench.loops(of: bench.image).isEmpty })
    }

    @Test func `a launch that fails behind the answer leaves no volume`() throws {
        let bench = try start()
        try bench.make("notes")
        for point in [FailPoint.wardenCloned, .wardenPlanned, .wardenWatching] {
            let id = freshID()
            sheet.arm(point, 1, holding: true)
            let order = SessionOrder(
                id: id, profile: "default", workspace: VolumeBench.own(id, bytes: 8 * mebibyte))
            let later = try ask(bench, .create(order))
            try reached(point, bench)
            let warden = bench.warden.program.pid
            // The init dies while the warden looks away.
            let inits = children(of: bench, workers: false)
            #expect(inits.count == 1, "\(point): \(inits)")
            for pid in inits { kill(pid, SIGKILL) }
            kill(warden, SIGCONT)
            try bench.client.wait("an answer") { later.answer != nil }
            if later.answer == .done {
                try bench.client.wait("the end of \(id)") { bench.client.end(of: id) != nil }
                _ = try bench.client.ask(.remove(id))
            }
            #expect(try bench.list() == [VolumeBench.workspace("notes")], "\(point)")
        }
        try bench.end()
    }

    @Test func `a warden that dies at any step of a launch leaves no volume of the session's`() throws {
        var directory: TemporaryDirectory?
        for point in [FailPoint.volumeMade, .wardenCloned, .wardenPlanned, .wardenReady, .volumeRemoving] {
            let bench = try start(in: directory)
            directory = bench.warden.directory
            #expect(try bench.list() == [], "before \(point)")
            let id = freshID()
            sheet.arm(point, 1)
            let order = SessionOrder(
                id: id, profile: "default", workspace: VolumeBench.own(id, bytes: 8 * mebibyte))
            _ = try ask(bench, .create(order))
            if point == .volumeRemoving {
                try bench.client.wait("it to be there") {
                    bench.client.events.contains { if case .ready(id, _, _, _) = $0 { true } else { false } }
                }
                _ = try ask(bench, .kill(id))
            }
            _ = try bench.warden.program.wait(timeout: 60)
            #expect(sheet.armed(point) == 0, "\(point) was not met")
        }
        let bench = try start(in: directory)
        #expect(try bench.list() == [])
        #expect(eventually { bench.quotaGroups().count <= 3 }, "\(bench.quotaGroups())")
        try bench.end()
    }
}
