import Tables
import Testing

@Suite struct AmountTests {
    @Test(
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (1 << 20, "1 MiB"),
            (1_048_575, "1 MiB"), (102_297, "99.9 KiB"), (102_349, "100 KiB"), (102_400, "100 KiB"),
            (1_047_552, "1023 KiB"),
            (1_048_064, "1 MiB"), (1_610_612_736, "1.5 GiB"), (128 << 20, "128 MiB"), (1 << 40, "1 TiB"),
            (UInt64.max, "16 EiB"), (1100, "1.1 KiB"), (1_075, "1 KiB"),
        ] as [(UInt64, String)])
    func `a size has the largest unit of which there is one`(bytes: UInt64, text: String) {
        #expect(SizeText.of(bytes) == text)
    }

    @Test func `a size beside its limit`() {
        #expect(SizeText.of(1 << 20, limit: 256 << 20) == "1 MiB / 256 MiB")
        #expect(SizeText.of(0, limit: nil) == "0 B / -")
    }

    @Test(
        arguments: [
            (0, "0ms"), (999, "999ms"), (1000, "1s"), (12_345, "12.3s"), (59_999, "59.9s"), (60_000, "1m"),
            (125_900, "2m 5s"), (3_600_000, "1h"), (5_400_000, "1h 30m"), (86_400_000, "1d"),
            (273_600_000, "3d 4h"),
        ] as [(UInt64, String)])
    func `a duration has two units`(milliseconds: UInt64, text: String) {
        #expect(DurationText.of(milliseconds: milliseconds) == text)
    }

    /// Cases of docker's own test of HumanDuration.
    @Test(
        arguments: [
            (0, "Less than a second"), (1, "1 second"), (45, "45 seconds"), (60, "About a minute"),
            (119, "About a minute"), (120, "2 minutes"), (180, "3 minutes"), (3599, "59 minutes"),
            (3600, "About an hour"), (5399, "About an hour"), (5400, "2 hours"), (7200, "2 hours"),
            (172_740, "2 days"), (172_800, "2 days"), (604_800, "7 days"), (1_209_600, "2 weeks"),
            (4_838_400, "8 weeks"), (7_776_000, "3 months"), (31_536_000, "12 months"),
            (63_072_000, "2 years"),
        ] as [(UInt64, String)])
    func `an age is said as docker says it`(seconds: UInt64, text: String) {
        #expect(RelativeTime.length(seconds: seconds) == text)
    }

    @Test func `the past is ago and what is to come is in`() {
        let now = WallTime(milliseconds: 1_000_000)
        #expect(RelativeTime.text(WallTime(milliseconds: 880_000), now: now) == "2 minutes ago")
        #expect(RelativeTime.text(WallTime(milliseconds: 1_060_000), now: now) == "in about a minute")
        #expect(RelativeTime.text(WallTime(milliseconds: 1_005_000), now: now) == "in 5 seconds")
        #expect(RelativeTime.text(now, now: now) == "Less than a second ago")
        #expect(RelativeTime.text(WallTime(milliseconds: .min / 4), now: now).hasSuffix("years ago"))
    }
}
