import Glibc
import Linux
import TestSupport
import Testing
import Trees
import Workspace

/// What differs between two trees.
@Suite struct DifferenceTests {
    /// Of the directories `old` and `new` of a yard, one line each.
    private func lines(_ yard: Yard, believedBefore: Int? = nil) throws -> [String] {
        var difference = TreeDifference(believedBefore: believedBefore)
        return try lines(yard, &difference)
    }

    private func lines(_ yard: Yard, _ difference: inout TreeDifference) throws -> [String] {
        let old = try FileDescriptor.open(yard("old"), O_RDONLY | O_DIRECTORY)
        let new = try FileDescriptor.open(yard("new"), O_RDONLY | O_DIRECTORY)
        var lines: [String] = []
        try difference.visit(from: old, to: new) { entry throws(WorkspaceError) in
            let what = entry.what.sorted().joined(separator: ",")
            lines.append("\(entry.change) \(entry.kind) \(entry.path)\(what.isEmpty ? "" : " \(what)")")
        }
        return lines
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
        var difference = TreeDifference()
        let before = try yard.outside()
        #expect(try lines(yard, &difference) == ["added symlink m"])
        #expect(try difference.skipped == 1 && yard.outside() == before)
        // What the removal of a temporary directory cannot name.
        try yard.shell("rm -r new")
    }

    @Test func `too many names, and directories too deep, are an error`() throws {
        let yard = try Yard("mkdir old new; touch new/1 new/2 new/3")
        var difference = TreeDifference()
        difference.mostNames = 2
        #expect(code { _ = try lines(yard, &difference) } == .limit)
        // What is held counts, and not what was: one name at a time is enough for any number of directories.
        difference = TreeDifference()
        difference.mostHeld = 110
        #expect(code { _ = try lines(yard, &difference) } == .limit)
        try yard.shell("rm new/*; mkdir new/1 new/2; touch new/1/x new/2/x")
        difference = TreeDifference()
        difference.mostHeld = 150
        #expect(try lines(yard, &difference).count == 4)
        try yard.shell("cd new; i=0; while [ $i -lt 101 ]; do mkdir d; cd d; i=$((i+1)); done")
        #expect(code { _ = try lines(yard) } == .limit)
    }
}
