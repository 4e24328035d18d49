;; Writes JSON strings: `npm run escape` turns this into escape-module.ts.
;;
;; 8 bytes are looked at together. Each quote and each backslash among them makes one more byte of output, and which ones
;; they are (8 bits) chooses a permutation of the 16 output bytes from a table of 256: 0 to 7 are input bytes, 0x80 stands
;; for a backslash to put in. Only control characters need a look of their own, and they are rare in logs.
;; UTF-8 goes through as it is. Reads up to 7 bytes behind the input and writes up to 15 behind the output.
(module
  (memory (export "memory") 10 10)
  ;; 0      256 permutations of 16 bytes
  ;; 4096   the letter behind the backslash for each of the 32 control characters
  ;; 4128   the 16 hexadecimal digits
  ;; 4144   free for the caller

  (func $escapeEach (param $source i32) (param $length i32) (param $target i32) (result i32)
    (local $end i32) (local $byte i32) (local $letter i32)
    (local.set $end (i32.add (local.get $source) (local.get $length)))
    (loop $next
      (local.set $byte (i32.load8_u (local.get $source)))
      (if (i32.or
            (i32.lt_u (local.get $byte) (i32.const 0x20))
            (i32.or
              (i32.eq (local.get $byte) (i32.const 0x22))
              (i32.eq (local.get $byte) (i32.const 0x5c))))
        (then
          (i32.store8 (local.get $target) (i32.const 0x5c))
          (local.set $target (i32.add (local.get $target) (i32.const 1)))))
      (if (i32.lt_u (local.get $byte) (i32.const 0x20))
        (then
          (local.set $letter (i32.load8_u offset=4096 (local.get $byte)))
          (i32.store8 (local.get $target) (local.get $letter))
          (if (i32.eq (local.get $letter) (i32.const 0x75)) ;; u
            (then
              (i32.store16 offset=1 (local.get $target) (i32.const 0x3030))
              (i32.store8 offset=3 (local.get $target)
                (i32.load8_u offset=4128 (i32.shr_u (local.get $byte) (i32.const 4))))
              (i32.store8 offset=4 (local.get $target)
                (i32.load8_u offset=4128 (i32.and (local.get $byte) (i32.const 15))))
              (local.set $target (i32.add (local.get $target) (i32.const 4))))))
        (else (i32.store8 (local.get $target) (local.get $byte))))
      (local.set $target (i32.add (local.get $target) (i32.const 1)))
      (local.set $source (i32.add (local.get $source) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $source) (local.get $end))))
    (local.get $target))

  ;; Returns the end of what was written.
  (func $escape (export "escape") (param $source i32) (param $length i32) (param $target i32) (result i32)
    (local $end i32) (local $count i32) (local $mask i32) (local $bytes v128) (local $order v128)
    (local.set $end (i32.add (local.get $source) (local.get $length)))
    (block $done
      (loop $next
        (local.set $count (i32.sub (local.get $end) (local.get $source)))
        (br_if $done (i32.le_s (local.get $count) (i32.const 0)))
        (local.set $mask (i32.const 0xff))
        (if (i32.lt_u (local.get $count) (i32.const 8))
          (then (local.set $mask (i32.sub (i32.shl (i32.const 1) (local.get $count)) (i32.const 1))))
          (else (local.set $count (i32.const 8))))
        (local.set $bytes (v128.load64_zero (local.get $source)))
        (if (i32.and
              (local.get $mask)
              (i8x16.bitmask (i8x16.lt_u (local.get $bytes) (i8x16.splat (i32.const 0x20)))))
          (then
            (local.set $target (call $escapeEach (local.get $source) (local.get $count) (local.get $target))))
          (else
            (local.set $mask (i32.and
              (local.get $mask)
              (i8x16.bitmask (v128.or
                (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x22)))
                (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x5c)))))))
            (local.set $order (v128.load (i32.shl (local.get $mask) (i32.const 4))))
            ;; A swizzle makes 0 of what is out of range, and there the backslash goes.
            (v128.store (local.get $target) (v128.or
              (i8x16.swizzle (local.get $bytes) (local.get $order))
              (v128.and (i8x16.shr_s (local.get $order) (i32.const 7)) (i8x16.splat (i32.const 0x5c)))))
            (local.set $target (i32.add
              (local.get $target)
              (i32.add (local.get $count) (i32.popcnt (local.get $mask)))))))
        (local.set $source (i32.add (local.get $source) (i32.const 8)))
        (br $next)))
    (local.get $target))

  ;; Head, quote, the escaped source, quote, tail. Returns the end of what was written.
  (func (export "quoted")
    (param $head i32) (param $headLength i32)
    (param $source i32) (param $length i32)
    (param $tail i32) (param $tailLength i32)
    (param $target i32) (result i32)
    (memory.copy (local.get $target) (local.get $head) (local.get $headLength))
    (local.set $target (i32.add (local.get $target) (local.get $headLength)))
    (i32.store8 (local.get $target) (i32.const 0x22))
    (local.set $target (call $escape
      (local.get $source) (local.get $length) (i32.add (local.get $target) (i32.const 1))))
    (i32.store8 (local.get $target) (i32.const 0x22))
    (local.set $target (i32.add (local.get $target) (i32.const 1)))
    (memory.copy (local.get $target) (local.get $tail) (local.get $tailLength))
    (i32.add (local.get $target) (local.get $tailLength)))

  ;; Head, the source as it stands, tail. Returns the end of what was written.
  (func (export "verbatim")
    (param $head i32) (param $headLength i32)
    (param $source i32) (param $length i32)
    (param $tail i32) (param $tailLength i32)
    (param $target i32) (result i32)
    (memory.copy (local.get $target) (local.get $head) (local.get $headLength))
    (local.set $target (i32.add (local.get $target) (local.get $headLength)))
    (memory.copy (local.get $target) (local.get $source) (local.get $length))
    (local.set $target (i32.add (local.get $target) (local.get $length)))
    (memory.copy (local.get $target) (local.get $tail) (local.get $tailLength))
    (i32.add (local.get $target) (local.get $tailLength))))
