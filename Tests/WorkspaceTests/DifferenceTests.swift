import Glibc
import Linux
import TestSupport
import Testing
import Trees
import Workspace

/// What differs between two trees.
@Suite struct DifferenceTests {
    /// Of the directories `old` and `new` of a yard, one line each.
    private func lines(
        _ yard: Yard, believedBefore: Int? = nil, _ bounds: TreeDifference.Bounds = .init()
    ) throws -> [String] {
        try pages(yard, believedBefore: believedBefore, bounds).flatMap(\.entries).map { entry in
            let what = entry.what.sorted().joined(separator: ",")
            return "\(entry.change) \(entry.kind) \(entry.path)\(what.isEmpty ? "" : " \(what)")"
        }
    }

    private func pages(
        _ yard: Yard, believedBefore: Int? = nil, _ bounds: TreeDifference.Bounds = .init()
    ) throws -> [TreeDifference.Page] {
        let old = try FileDescriptor.open(yard("old"), O_RDONLY | O_DIRECTORY)
        let new = try FileDescriptor.open(yard("new"), O_RDONLY | O_DIRECTORY)
        var pages: [TreeDifference.Page] = []
        repeat {
            pages.append(
                try TreeDifference.page(
                    from: old, to: new, believedBefore: believedBefore, after: pages.last?.next, bounds))
        } while pages.last?.next != nil
        return pages
    }

    @Test func `what was added, changed and removed is told, in order, and nothing else`() throws {
        let yard = try Yard(
            """
            mkdir -p old/d/e old/same/x old/gone/a old/turn; cd old
            echo 1 >d/f; echo 1 >d/longer; echo same >same/x/f; echo g >gone/a/b; echo t >turn/t; echo m >mode
            ln -s a link; ln -s a kept; mkfifo pipe; echo k >kind; cd ..
            cp -a old new; cd new
            echo 2 >d/f; echo more >>d/longer; rm -r gone turn; echo t >turn; chmod 600 mode
            ln -sfn b link; rm kind; mkdir kind; echo i >kind/inner; mkdir -p add/b; echo c >add/b/c; touch same/x/f
            """)
        #expect(
            try lines(yard) == [
                "added directory add", "added directory add/b", "added file add/b/c",
                "changed file d/f content",
                "changed file d/longer content", "removed directory gone", "removed directory gone/a",
                "removed file gone/a/b", "changed directory kind kind", "added file kind/inner",
                "changed symlink link target", "changed file mode mode", "changed file turn kind",
                "removed file turn/t",
            ])
        try yard.shell("rm -r new; cp -a old new")
        #expect(try lines(yard) == [])
    }

    /// One inode in both trees, as a snapshot has it.
    @Test func `times are believed where they are old enough, and contents compared where they are not`()
        throws
    {
        let yard = try Yard("mkdir old new; echo 1 >old/f; ln old/f new/f; echo 1 >old/g; echo 2 >new/g")
        #expect(try lines(yard, believedBefore: .max) == ["changed file g content"])
        #expect(try lines(yard) == ["changed file g content"])
        // Equal sizes and times that somebody set: another inode, and another time of change.
        try yard.shell("touch -d 2001-01-01 old/g new/g")
        #expect(try lines(yard, believedBefore: .max) == ["changed file g content"])
    }

    @Test func `links are not followed, and what cannot be named is counted`() throws {
        let yard = try Yard(
            """
            mkdir old new; ln -s ../../outside/tree old/l; ln -s ../../outside/tree new/l
            : >"$(printf 'new/\\377')"; ln -s /etc new/m
            """)
        let before = try yard.outside()
        #expect(try lines(yard) == ["added symlink m"])
        #expect(try pages(yard).map(\.skipped) == [1] && yard.outside() == before)
        // What the removal of a temporary directory cannot name.
        try yard.shell("rm -r new")
    }

    /// Of every size of a page, and of whatever is held of a directory at a time, and each odd name counted once.
    @Test func `all pages together are what one page has, wherever they end`() throws {
        let yard = try Yard(
            """
            mkdir -p old/a/b/c old/e new/a/b/d new/f; cd old; i=0
            while [ $i -lt 150 ]; do echo $i >a/b/$i; echo $i >../new/a/b/$((i * 3 % 200)); i=$((i+1)); done
            echo x >a/b/c/x; echo y >e/y; : >"$(printf 'a/\\377')"; : >"$(printf '../new/a/\\377')"
            : >"$(printf '../new/f/\\376')"; echo z >../new/f/z; cd ..
            """)
        let whole = try lines(yard)
        #expect(whole.count > 150 && whole.contains("removed file a/b/c/x"))
        var bounds = TreeDifference.Bounds()
        for (entries, compared) in [(1, 50_000), (7, 50_000), (1000, 1), (1000, 13)] {
            for held in [0, 1000] {
                (bounds.entries, bounds.compared, bounds.held) = (entries, compared, held)
                #expect(try lines(yard, bounds) == whole, "\(entries) \(compared) \(held)")
                let found = try pages(yard, bounds)
                #expect(found.count > whole.count / (min(entries, compared) + 1), "\(found.count)")
                #expect(found.reduce(0) { $0 + $1.skipped } == 2, "\(entries) \(compared) \(held)")
            }
        }
        (bounds.entries, bounds.compared, bounds.time) = (1000, 50_000, 0)
        #expect(try lines(yard, bounds) == whole)
        try yard.shell("rm -r old new")
    }

    @Test func `a cursor of what is gone goes on behind it`() throws {
        let yard = try Yard("mkdir -p old new/b new/d; touch new/a new/b/x new/b/y new/c new/d/z")
        let old = try FileDescriptor.open(yard("old"), O_RDONLY | O_DIRECTORY)
        let new = try FileDescriptor.open(yard("new"), O_RDONLY | O_DIRECTORY)
        for (cursor, paths) in [
            ("b/x", ["b/y", "c", "d", "d/z"]), ("b", ["b/x", "b/y", "c", "d", "d/z"]),
            ("b/xx/more", ["b/y", "c", "d", "d/z"]), ("a/none", ["b", "b/x", "b/y", "c", "d", "d/z"]),
            ("zz", []), ("d/z/1", []),
        ] {
            let page = try TreeDifference.page(from: old, to: new, after: WorkspacePath(cursor))
            #expect(page.entries.map(\.path) == paths && page.next == nil, "\(cursor)")
        }
    }

    @Test func `directories too deep, and paths too long, are an error`() throws {
        let yard = try Yard(
            "mkdir old new; cd new; i=0; while [ $i -lt 101 ]; do mkdir d; cd d; i=$((i+1)); done")
        #expect(code { _ = try lines(yard) } == .limit)
        try yard.shell(
            """
            rm -r new; mkdir new; cd new
            python3 -c 'import os; [(os.mkdir("n" * 250), os.chdir("n" * 250)) for i in range(17)]'
            """)
        #expect(code { _ = try lines(yard) } == .limit)
        try yard.shell("rm -r new")
    }
}
