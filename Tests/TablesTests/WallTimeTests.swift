import Glibc
import Sandbox
import Tables
import TestSupport
import Testing

@Suite struct WallTimeTests {
    private let now = WallTime(milliseconds: 1_700_000_000_000)

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func `a time is written in RFC 3339 and read back`(milliseconds: Int64, text: String) {
        #expect(WallTime(milliseconds: milliseconds).rfc3339 == text)
        #expect(WallTime(rfc3339: text) == WallTime(milliseconds: milliseconds))
    }

    @Test func `dates are those of Python's calendar`() throws {
        let script = """
            import datetime
            for day in range(-25000, 60000, 37):
                print((datetime.datetime(1970, 1, 1) + datetime.timedelta(days=day, seconds=day % 86400))
                      .strftime('%Y-%m-%dT%H:%M:%S.000Z'))
            """
        let outcome = try Program.run(["/usr/bin/python3", "-c", script])
        let lines = outcome.output.split(separator: "\n").map(String.init)
        #expect(lines.count > 2000)
        for (index, day) in stride(from: Int64(-25_000), to: 60_000, by: 37).enumerated() {
            let second = ((day % 86_400) + 86_400) % 86_400
            let time = WallTime(milliseconds: (day * 86_400 + second) * 1000)
            #expect(time.rfc3339 == lines[index])
            #expect(WallTime(rfc3339: lines[index]) == time)
        }
    }

    @Test(
        arguments: [
            ("2023-11-14T22:13:20Z", 1_700_000_000_000), ("2023-11-15T06:13:20+08:00", 1_700_000_000_000),
            ("2023-11-14T17:43:20.5-04:30", 1_700_000_000_500),
            ("2023-11-14t22:13:20.123456789z", 1_700_000_000_123),
            ("1700000000", 1_700_000_000_000), ("1700000000.25", 1_700_000_000_250),
            ("10m", 1_699_999_400_000), ("1h30m", 1_699_994_600_000), ("2d", 1_699_827_200_000),
            ("1s500ms", 1_699_999_998_500), ("0s", 1_700_000_000_000),
        ] as [(String, Int64)])
    func `since takes ages, RFC 3339 and seconds`(text: String, milliseconds: Int64) throws {
        #expect(try WallTime.read(text, now: now).milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "x", "0", "10", "12345678", "10x", "m", "30m1h", "1h1h", "-5m", "5 m", "1.5h", "2023",
        "2023-13-01", "2023-02-29",
        "2023-11-14T25:00:00Z", "2023-11-14T22:60:00Z", "2023-11-14T22:13:20+8", "2023-11-14T22:13:20Zx",
        "2023-11-14T22:13:20.Z", "2023-11-14T", "1700000000.", "１０m", "99999999999999999m", "1.2.3",
        "0000-01-01T00:00:00+08:00", "9999-12-31T23:59:60Z",
    ])
    func `what is no time is refused`(text: String) {
        let error = #expect(throws: ValueError.self) { try WallTime.read(text, now: now) }
        #expect(error?.problem.contains(quoted(text)) == true)
    }

    @Test func `an age of more than a hundred years is refused`() {
        #expect(throws: ValueError.self) { try WallTime.read("36526d", now: now) }
        #expect(throws: ValueError.self) { try WallTime.read("999999999999d", now: now) }
        #expect(throws: Never.self) { try WallTime.read("36525d", now: now) }
    }

    /// The zone belongs to the whole process, hence a process of its own for each.
    @Test func `local times have the offset that the zone has then, east`() async {
        await #expect(processExitsWith: .success) {
            unsafe setenv("TZ", "CST-8", 1)
            tzset()
            let time = WallTime(milliseconds: 1_700_000_000_000)
            #expect(time.local == "2023-11-15 06:13:20 +08:00")
            let back = try WallTime.read("2023-11-15T06:13:20", now: time)
            #expect(back == time)
            let day = try WallTime.read("2023-11-15", now: time)
            #expect(day.local == "2023-11-15 00:00:00 +08:00")
        }
    }

    @Test func `local times have the offset that the zone has then, west and in summer`() async {
        await #expect(processExitsWith: .success) {
            unsafe setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1)
            tzset()
            let winter = WallTime(milliseconds: 1_700_000_000_000)
            let summer = WallTime(milliseconds: 1_690_000_000_000)
            #expect(winter.local == "2023-11-14 17:13:20 -05:00")
            #expect(summer.local == "2023-07-22 00:26:40 -04:00")
            for time in [winter, summer] {
                let text = String(time.local.prefix(19))
                let back = try WallTime.read(text, now: winter)
                #expect(back == time)
            }
            let short = try WallTime.read("2023-07-22 00:26", now: winter)
            #expect(short.local == "2023-07-22 00:26:00 -04:00")
        }
    }

    @Test func `now is now`() {
        let before = time(nil)
        let now = WallTime.now
        #expect(abs(now.milliseconds / 1000 - Int64(before)) <= 60)
    }
}
