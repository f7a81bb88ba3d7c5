/* Why this file exists: a Rust program for Windows asks bcryptprimitives.dll for its random
 * numbers (the seeds of HashMap), and Wine before 8.13, which is what Debian 12 has, does not
 * ship that library: the loader ends the program before main, without a word. This is that
 * one library with that one function, for tests under Wine only. It is never part of what we
 * ship, and tests/wine leaves it out where Wine brings its own.
 *
 * The random bytes come from RtlGenRandom, which advapi32 exports under the name
 * SystemFunction036 and Wine implements with the random device of the host.
 */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    /* The lengths differ in width: fill in portions that fit. */
    while (length > 0) {
        ULONG portion = length > 0x10000000 ? 0x10000000 : (ULONG)length;
        if (!SystemFunction036(data, portion))
            return FALSE;
        data += portion;
        length -= portion;
    }
    return TRUE;
}
