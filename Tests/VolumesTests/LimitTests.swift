import Glibc
import Linux
import TestSupport
import Testing

@testable import Volumes

/// Writers at the limit of their volume, on the running kernel.
@Suite(.serialized, .enabled(if: Machine.hasImages, Machine.why)) struct LimitTests {
    /// Ways to fill a volume of 16 MiB; each fails when it can write no more.
    static let writers = [
        "dd if=/dev/zero of=big bs=1M count=40 conv=fsync",
        "fallocate -l 40M big",
        // One block in each 100 kB.
        """
        python3 -c '
        import os
        file = os.open("holes", os.O_CREAT | os.O_WRONLY)
        for number in range(10000): os.pwrite(file, bytes(4096), number * 100000)
        os.fsync(file)'
        """,
        "i=0; while [ $i -lt 400 ]; do i=$((i + 1)); head -c 100000 /dev/zero >f$i || exit 1; done; sync -f .",
    ]

    @Test(arguments: Machine.modes, 0..<4)
    func `a writer stops at its limit, and its neighbour goes on`(mode: QuotaMode, writer: Int) throws {
        let fixture = try Fixture(mode)
        let volume = try fixture.make("a", bytes: 16 * megabyte)
        let neighbour = try fixture.make("b", bytes: 16 * megabyte)
        let outcome = try run(Self.writers[writer], in: volume)
        #expect(outcome.status != 0 && outcome.status != nil)
        #expect(outcome.errors.contains("quota exceeded"), "\(outcome.errors)")
        try fixture.image.top().syncBtrfs()
        let used = try fixture.used("a")
        #expect(used <= 16 * megabyte, "no overshoot: \(used)")
        #expect(try run("dd if=/dev/zero of=big bs=1M count=8 conv=fsync", in: neighbour).status == 0)
        // Room can be made at the limit.
        #expect(try run("rm -f big holes f*", in: volume).status == 0)
        try fixture.image.top().syncBtrfs()
        #expect(try run("dd if=/dev/zero of=again bs=1M count=8 conv=fsync", in: volume).status == 0)
    }

    @Test(arguments: 0..<4)
    func `without a limit the same writers go on`(writer: Int) throws {
        let fixture = try Fixture()
        let volume = try fixture.make("a", bytes: nil)
        #expect(try run(Self.writers[writer], in: volume).status == 0)
        try fixture.image.top().syncBtrfs()
        #expect(try fixture.used("a") > 30 * megabyte)
        #expect(try fixture.driver.limits(of: Fixture.session("a")) == VolumeLimits())
    }

    @Test(arguments: Machine.modes)
    func `empty files are stopped, because their metadata counts`(mode: QuotaMode) throws {
        let fixture = try Fixture(mode)
        let volume = try fixture.make("a", bytes: 2 * megabyte)
        let script = """
            import os
            try:
                for number in range(200000): os.close(os.open(f"/proc/self/fd/3/{number}", os.O_CREAT | os.O_WRONLY))
            except OSError as error: print(number, error.errno)
            """
        let outcome = try Program.run(
            ["python3", "-c", script], timeout: 300, descriptors: [volume.directory.number])
        let words = outcome.output.split(separator: " ")
        try #require(words.count == 2, "\(outcome.output) \(outcome.errors)")
        #expect(Int(words[1].dropLast()) == Int(EDQUOT))
        let count = try #require(UInt64(words[0]))
        #expect(count > 100 && count < 100_000)
    }
}
