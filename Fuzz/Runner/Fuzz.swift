// The program of `make fuzz`: FUZZ_TARGET names the target, the words are libFuzzer's. Without a target all
// are listed, each with the longest input that is of use.

import FuzzTargets
import Glibc

private let target: FuzzTarget? = {
    guard let name = unsafe getenv("FUZZ_TARGET").map({ unsafe String(cString: $0) }) else { return nil }
    return ([FuzzTarget.planted] + FuzzTarget.all).first { $0.name == name }
}()

/// libFuzzer's own entry for programs that have a main (its FuzzerInterface.h).
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ words: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ judge: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// What SwiftPM makes `main` of the program, by this very name. No `@main`, beside which libFuzzer's own
/// library does not link.
@_cdecl("Fuzz_main")
public func main(_ count: CInt, _ words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    guard target != nil else {
        for target in FuzzTarget.all { print(target.name, target.longest) }
        return unsafe getenv("FUZZ_TARGET") == nil ? 0 : 2
    }
    var count = count
    var words = unsafe words
    return unsafe runFuzzer(&count, &words, judge)
}

/// Called with each input.
private func judge(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    do throws(FuzzFailure) {
        try target?.run(input)
    } catch {
        print("fuzz: \(target?.name ?? ""): \(error)")
        fflush(nil)
        abort()
    }
    return 0
}
