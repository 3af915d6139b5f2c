import Testing
import Trees

@testable import Workspace

/// The wide forms of a zip file's records, byte by byte (APPNOTE 4.5.3).
@Suite struct ZipHeaderTests {
    private func header(size: UInt64, offset: UInt64) -> ZipHeader {
        ZipHeader(
            name: "n", kind: .file, mode: 0o644, size: size, modified: 0, offset: offset, sum: 0x0403_0201)
    }

    @Test func `sizes and places that fit have no field of their own`() {
        let small = header(size: 0xFFFF_FFFE, offset: 0xFFFF_FFFE)
        #expect(small.local.count == 31 && small.central.count == 47 && small.descriptor.count == 16)
        #expect(small.central[42..<46].elementsEqual([0xFE, 0xFF, 0xFF, 0xFF]))
        #expect(
            small.descriptor == [0x50, 0x4B, 7, 8, 1, 2, 3, 4] + [
                0xFE, 0xFF, 0xFF, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF,
            ])
    }

    @Test func `a size of more than 32 bits stands in a field, in front and in the directory`() {
        let wide = header(size: 0x1_0000_0004, offset: 5)
        let number: [UInt8] = [4, 0, 0, 0, 1, 0, 0, 0]
        #expect(wide.local[18..<26].allSatisfy { $0 == 0xFF })
        #expect(wide.local.suffix(20) == ([1, 0, 16, 0] + [UInt8](repeating: 0, count: 16))[...])
        #expect(wide.central.suffix(20) == ([1, 0, 16, 0] + number + number)[...])
        #expect(wide.descriptor.suffix(16) == (number + number)[...])
    }

    @Test func `a place behind 4 GiB stands in the directory's field alone`() {
        let far = header(size: 3, offset: 0x1_0000_0004)
        #expect(far.local.count == 31)
        #expect(far.central.suffix(12) == [1, 0, 8, 0, 4, 0, 0, 0, 1, 0, 0, 0][...])
        #expect(far.central[20..<28].elementsEqual([3, 0, 0, 0, 3, 0, 0, 0]))
    }

    @Test(
        arguments: [
            (0, [0x21, 0, 0, 0]), (1_709_210_096, [0x5D, 0x58, 0x5C, 0x64]),
            (99_999_999_999, [0x9F, 0xFF, 0x7D, 0xBF]),
        ] as [(Int, [UInt8])])
    func `times are those of MS-DOS, as near as it has them`(modified: Int, expected: [UInt8]) {
        var header = header(size: 0, offset: 0)
        header.modified = modified
        let local = header.local
        // Date and time, the high byte of each first.
        let (date, time) = ([local[13], local[12]], [local[11], local[10]])
        #expect([date[1], date[0], time[1], time[0]] == expected)
    }

    @Test func `the sum of any cut of some bytes is the one of all`() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        var whole = ZipSum()
        whole.add(bytes.span)
        for cut in [0, 1, 7, 8, 9, 500, 999] {
            var parts = ZipSum()
            parts.add(bytes.span.extracting(..<cut))
            parts.add(bytes.span.extracting(cut...))
            #expect(parts.value == whole.value)
        }
        var check = ZipSum()
        check.add(Array("123456789".utf8).span)
        #expect(check.value == 0xCBF4_3926)
    }
}
