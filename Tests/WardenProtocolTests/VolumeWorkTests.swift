import Testing
import WardenProtocol

/// What the warden and its volume workers say to each other.
@Suite struct VolumeWorkTests {
    private static let (notes, kept) = (
        VolumeKey(.workspace, tenant: "a", name: "notes"), VolumeKey(.snapshot, tenant: "a", name: "kept")
    )
    private static let works: [VolumeWork] = [
        .makeRoom, .snapshot(notes, as: kept), .restore(notes, from: kept),
        .fork(kept, as: VolumeOrder(notes, limits: VolumeAmounts(bytes: 1, inodes: 2), allowSoft: true)),
        .resize(notes, VolumeAmounts(bytes: .max)), .settle([1, .max]), .tend,
        .image(.volumes(bound: 1 << 36)), .image(.record(name: "1f", text: "a\nb\n")),
        .image(
            .host(
                HostImageOrder(
                    name: "1f", record: "a\nb\n", path: "/srv/数据", bytes: 1 << 28, user: 1, group: 2,
                    mode: 0o755,
                    maker: "/usr/sbin/mkfs.btrfs"))),
        .image(.release(name: "1f", text: "a", deleting: true)),
        .image(
            .resize(
                HostImageSize(name: "1f", record: "a", path: "/srv/x", bytes: 1 << 28, device: "/dev/loop1"))),
    ]
    private static let reports: [VolumeReport] = [
        .progress(VolumeProgress(entries: 1, done: 2, total: 3)), .done,
        .refused(Refusal(.volumeExists, "it is there", limit: "l", asked: "a", allowed: "b")),
        .settled(left: 3, numbers: [7]), .troubles(["one", "two"]),
    ]

    @Test func `every piece of work and every report survives the socket`() throws {
        for work in Self.works { #expect(try VolumeWork(work.encoded()) == work) }
        for report in Self.reports { #expect(try VolumeReport(report.encoded()) == report) }
    }

    @Test func `cut short or with something behind it is refused`() {
        for bytes in Self.works.map({ $0.encoded() }) {
            for count in 0..<bytes.count {
                #expect(throws: WireProblem.self) { try VolumeWork(Array(bytes.prefix(count))) }
            }
            #expect(throws: WireProblem.self) { try VolumeWork(bytes + [0]) }
        }
        for bytes in Self.reports.map({ $0.encoded() }) {
            for count in 0..<bytes.count {
                #expect(throws: WireProblem.self) { try VolumeReport(Array(bytes.prefix(count))) }
            }
            #expect(throws: WireProblem.self) { try VolumeReport(bytes + [0]) }
        }
        #expect(throws: WireProblem.unknownKind(0)) { try VolumeWork([0, 0]) }
    }
}
