"""Allographs: the ways in which people write digits and letters, as strokes of a pen.

MNIST's writers are American. Elsewhere a seven is crossed, a one has a flag, a four stays open.
Here each way stands as a sketch, and `write` makes of it what a hand does: no two are the same.
"""

import numpy as np
from numpy.typing import NDArray

# In a box of 10 x 10, x to the right and y down. A pair of hexadecimal digits is a point, a row of
# them a stroke, its corners rounded; a point that stands twice is a corner. "," lifts the pen,
# "/" lifts it in some hands, and in others goes on to the next stroke; "|" parts the allographs.
DIGITS = {
    "0": (
        "50 20 05 2A 5A 8A A5 80 50|50 80 A5 8A 5A 2A 05 20 50 70"
        "|70 30 05 2A 5A 9A A5 81 40 21|30 02 07 4A 8A A6 A3 70 30 12"
        "|40 11 06 3A 7A A6 A2 70 50 52 84"
    ),
    "1": (
        "50 5A|80 2A|26 50 50 5A|05 60 60 6A|08 60 60 6A|0A 70 70 7A|13 50 50 5A|32 50 50 5A"
        "|04 34 60 60 6A|26 50 50 5A/2A 8A|06 60 60 6A/2A 9A|14 50 50 5A/2A 8A|50 5A/2A 8A"
        "|07 70 70 5A|05 45 80 80 7A|14 24 50 50 5A 5A 7A"
        "|05 80 80 6A|06 A0 A0 8A|08 A0 A0 9A|08 47 A0 A0 8A"
    ),
    "2": (
        "03 20 70 A3 67 0A 0A AA|03 20 70 A3 66 1A 08 37 6A AA|02 30 82 84 0A 0A 5A A9"
        "|01 70 A2 0A 0A AA|03 20 70 93 76 2A 07 26 5A 98|11 60 A2 55 0A 0A 3A A8"
        "|00 00 80 93 46 0A 0A AA"
    ),
    "3": (
        "02 30 90 93 45 45 A6 A9 5A 08|00 A0 A0 44 44 95 A8 6A 08|01 60 92 55 A8 5A 09"
        "|02 40 92 64 34 45 A7 7A 09|01 50 91 64 44 85 A8 6A 29 07|00 90 90 45 45 A6 98 4A 09"
        "|10 80 95 35 35 A5 9A 4A 0A"
    ),
    "4": (
        "10 06 06 A6,80 8A|20 20 05 05 A5,70 7A|40 06 06 A6,72 5A|70 06 06 A6/70 7A"
        "|7A 70 70 06 06 A6|10 06 17 76 90 90 7A|20 05 15 65 A0 A0 8A|50 06 06 A6/84 5A"
        "|10 05 16 A5,80 7A|30 06 06 A5 A5 95/A1 6A|60 06 06 A6 A6 82 82 6A"
        "|10 04 05 A5 A5 85,A0 8A|41 05 16 A6/63 6A|10 06 26 85 A0 A0 7A|30 07 07 A7/64 6A"
        "|00 05 15 A5 A0 A0 AA"
        "|50 06 16 86 95 7A|60 05 05 85 85 5A|50 06 06 95 84 64 5A|40 06 16 A6 92 72 6A"
        "|50 20 05 16 A5/72 6A|60 06 06 A6,74 5A|50 07 07 A7,73 6A|10 07 28 86 91 A1 8A"
    ),
    "5": (
        "A0 20 20 14 14 63 A6 8A 3A 08|20 14 14 63 A6 8A 3A 08,20 A0|A0 30 12 45 87 6A 09"
        "|10 14 14 54 A5 A9 5A 09,10 90|20 15 15 63 A6 7A 09/20 A0|30 04 04 73 A7 6A 0A/41 A0"
        "|A0 20 20 05 05 A5 A5 9A 0A|90 40 23 44 76 79 3A 09|20 03 15 75 A8 6A 09/20 90"
    ),
    "6": (
        "80 30 06 3A 7A A7 75 35 07|60 14 08 3A 8A A7 75 26 08|92 60 20 06 2A 7A A7 65 16"
        "|40 04 07 3A 7A A7 64 06|90 40 07 4A 8A A8 75 46 48|70 22 07 3A 7A 98 76 36 08"
    ),
    "7": (
        "00 A0 A0 3A|00 50 A0 A0 54 4A|03 00 00 A0 A0 3A|03 10 51 A0 A0 4A|00 A0 A0 3A/15 95"
        "|00 A0 A0 6A/25 A5|01 00 00 A0 A0 4A/26 94|02 10 61 A0 A0 54 4A/15 A5"
        "|00 A0 A0 3A 06 15 95|00 A0 A0 4A 4A 15 15 95|02 20 A0 A0 4A 16 25 A5"
        "|01 30 A0 A0 5A/36 A4|00 90 90 5A 5A 36 35 A5|00 A0 A0 62 4A 48 16 36 A5"
        "|03 00 00 A0 A0 5A/16 A5"
    ),
    "8": (
        "91 50 12 34 76 98 5A 18 36 74 91"
        "|50 20 12 25 55 85 92 80 50/55 15 08 2A 5A 8A A8 95 55|A0 50 11 34 76 98 5A 18 36 81"
        "|30 03 45 78 6A 3A 28 55 A2 60 30|11 40 91 19 4A 89 65 11"
        "|55 92 60 30 11 55 99 5A 19 55"
    ),
    "9": (
        "A2 70 20 04 37 86 A1 A1 9A|92 60 12 15 46 83 91 91 8A|A2 60 02 16 66 A1 84 4A"
        "|A2 70 20 04 37 86 A1 A5 98 5A 18|92 60 12 15 46 83 91 A6 8A 3A 08"
        "|92 50 02 15 55 92 A6 8A 4A 07|91 40 03 35 85 92 97 6A 2A 08|A0 40 03 45 A2 A0 9A"
        "|80 30 03 35 84 81 A5 9A 3A 09|A1 60 12 25 74 A1 A7 7A 2A 07 18"
        "|60 20 13 35 64 71 60 98 5A 08|80 20 04 45 81 71 8A"
        "|80 40 12 25 65 92 A6 8A 3A 09|70 30 13 35 74 82 96 7A 2A 07"
        "|60 20 12 34 73 85 88 5A 18|91 40 13 45 92 92 98 6A 18 26|A1 71 30 13 35 72 A1 A1 7A 09"
    ),
}

LETTERS = {
    "A": "0A 50 50 AA/26 86|0A 03 50 A3 AA/06 A6|5A 0A 05 70 A0 8A AA,26 96|0A 50 60 9A,15 85",
    "B": "0A 00/00 70 93 54 54 A5 A8 6A 0A|1A 10/02 60 A2 35 35 A7 7A 0A",
    "C": "A2 70 31 05 39 7A A8|92 50 02 07 4A A9|91 30 05 4A A9",
    "E": (
        "A0 00 00 0A 0A AA,05 75|90 30 13 54 54 06 1A 6A A8|A1 40 04 65 65 06 2A A9"
        "|10 1A,10 90,15 75,1A 9A|91 60 31 14 55 24 07 2A 7A A8"
        "|A2 80 40 22 33 64 34 06 19 4A 9A|92 A0 40 13 45 05 08 3A 8A A7"
        "|A1 91 A0 50 12 34 75 25 07 19 5A A8|80 30 02 04 45 15 07 09 3A 8A"
    ),
    "F": (
        "A0 00 00 0A,05 75|04 10 91 A0,60 4A 0A,35 85|10 1A,00 A0,14 84|A0 20 30 3A,05 75"
        "|03 01 20 60 82 A1,70 55 48 3A 1A 08,35 75|12 20 60 91 A0,60 58 3A 19 08,36 75"
        "|04 02 20 61 A1,61 47 2A 09,26 75 74 78|A0 50 41 4A,15 75|20 2A,20 90,25 75"
        "|01 20 71 A0,62 48 2A 18,35 95"
    ),
    "H": (
        "00 0A,A0 AA,05 A5|10 1A,90 9A/05 A5|00 21 1A 1A 06 A4 A4 90 90 AA"
        "|10 2A 2A 24 74 74 90 90 9A|02 20 2A 0A,A0 80 7A AA,15 86"
        "|12 20 18 0A,A0 90 74 7A AA,06 35 95"
    ),
    "K": (
        "00 0A,A0 05 05 AA|10 1A,90 15 15 9A|10 1A/A0 35 35 7A AA|20 29 0A,A0 45 35 35 78 AA"
        "|11 20 1A,A1 90 45 35 58 9A AA"
    ),
    "L": (
        "10 1A 1A 9A|50 40 2A 09 18 6A A8|20 20 1A 1A AA|80 40 39 07 19 7A A7"
        "|91 70 50 43 38 1A 09 18 5A A8|61 70 50 44 39 1A 18 39 8A A9"
        "|83 91 70 44 39 1A 08 39 9A"
    ),
    "M": "0A 10 10 56 56 90 90 AA|0A 00 00 58 58 A0 A0 AA|0A 14 30 49 60 80 9A AA",
    "N": "0A 00 00 AA AA A0|0A 20 30 7A 8A A0|0A 04 20 40 59 8A A0",
    "P": (
        "0A 00/00 70 93 75 05|1A 10/03 50 A2 75 15|2A 30/04 20 80 A3 55 35"
        "|2A 30/03 10 60 A2 85 45|30 27 0A,12 40 90 A3 76 36|3A 30 20 14 03 20 70 A2 75 35"
    ),
    "R": (
        "0A 00/00 70 93 75 05 05/35 9A|1A 10/02 50 A2 75 25 25 9A|1A 10 70 93 45 45 7A AA"
        "|3A 30 20 14 03 20 70 A2 75 35 35 9A|2A 20/12 50 A2 75 35 58 8A AA"
    ),
    "T": (
        "00 A0,50 5A|01 20 80 A1,60 59 3A 19|00 A0/50 4A|03 10 71 A0,50 4A 0A 08"
        "|03 01 20 60 82 A1,70 55 48 3A 1A 08 17|04 12 30 70 91 A0,61 54 47 2A 09 27"
        "|70 54 47 29 0A 08,13 30 71 A0|12 20 41 71 A0,60 58 4A 19 27 47"
        "|03 00 30 71 A0 A2,60 57 3A 19|11 21 10 50 80 A1 A0,70 66 4A 1A 08 27"
        "|02 10 60 A1,61 48 2A 09 07 27|04 02 20 50 91 A0,50 59 7A|00 00 A0 A0,52 5A 3A 8A"
        "|13 02 20 61 A1 90,62 58 3A 18 36 85"
    ),
    "U": (
        "00 07 3A 7A A7 A0|00 05 2A 6A A5 A0 A0 AA|01 10 17 4A 8A A0 A0 A9 AA"
        "|02 10 21 17 3A 6A 95 90 90 89 AA|03 20 10 16 3A 6A 96 A0 90 98 AA|00 06 3A 7A A6 A0"
    ),
    "V": "00 50 5A 5A A0|00 5A 5A A0|01 20 5A 5A A0",
    "W": "00 2A 2A 53 53 8A 8A A0|00 08 3A 53 53 68 9A A0|00 3A 3A 50 50 7A 7A A0",
    "X": "00 AA,A0 0A|01 20 8A A9,A0 0A|00 20 45 37 0A,A0 80 65 77 AA",
    "Y": (
        "00 55 55,A0 55 55 5A|00 04 45 A0 A0 9A 6A|00 55,A0 4A|00 03 36 75 A0 A0 89 5A 19"
        "|00 05 35 A0,A0 A7 6A 18|03 10 25 46 75 90 90 79 4A 28"
        "|02 20 31 26 57 85 A0 8A 5A 37 95|03 11 30 35 56 85 A0 97 7A 3A 18"
        "|00 20 34 65 A0 A0 6A|02 20 33 55 92 A0 65 4A 3A|01 10 33 45 75 A0 95 69 2A 07 65"
    ),
    "a": (
        "92 50 15 1A 5A 92 92 9A|A1 40 05 2A 6A A0 98 AA|83 40 05 2A 6A 90 90 99 AA"
        "|22 60 93 9A 9A,95 35 08 3A 98|90 9A,93 60 30 04 06 29 5A 97"
        "|93 60 30 04 06 29 5A 97 90 90 9A|05 72 61 30 05 29 6A 92 91 99 A8"
        "|08 34 71 50 22 07 1A 4A 82 80 80 89 AA|A0 80 40 06 09 3A 6A A0 A0 99 AA"
        "|A0 40 04 07 3A 6A A5 A0 A0 9A|90 90 9A,91 60 20 04 06 2A 6A 97"
        "|A1 60 22 07 2A 5A 85 A1 A1 9A|02 30 70 92 9A 9A,94 44 06 09 3A 6A 97"
    ),
    "c": (
        "91 50 05 3A A9|A2 60 13 17 5A A8|05 71 60 30 05 3A 7A A6"
        "|08 23 61 81 83 82 60 31 16 39 6A A7|A3 A1 70 30 04 07 3A 7A A8"
        "|93 94 82 50 13 17 4A A8|0A 34 70 92 70 42 26 49 7A A7|A2 92 91 50 03 07 3A 7A A8"
    ),
    "d": (
        "95 60 04 18 5A 97,A0 9A|A0 A0 9A,95 60 24 06 29 5A 98|08 44 83 54 06 09 4A 90 90 89 AA"
        "|83 40 05 08 3A 7A 80 80 8A AA"
    ),
    "e": (
        "05 95 93 50 03 07 5A A9|16 A3 60 15 2A 6A A7|05 65 A2 60 05 3A 7A A6"
        "|0A 65 83 61 46 5A A8|08 65 72 50 24 07 3A 6A A7|09 54 62 40 24 18 4A 8A A8"
        "|06 56 A4 82 40 03 07 3A A9|0A 65 91 70 44 37 5A A8"
    ),
    "f": (
        "A1 70 53 5A,15 95|91 60 42 4A/06 96|06 84 80 50 38 2A 09|05 63 90 60 4A 3A 26 A4"
        "|A0 60 57 3A 0A,15 A5|06 55 81 70 50 44 4A 5A 78 56 95|05 54 80 60 48 2A 18 46 95"
        "|0A 62 80 60 57 4A 5A 77 67 95|06 64 71 60 51 48 4A 5A 69 57 46 86"
        "|06 64 81 70 50 47 3A 2A 18 36 55 95|15 54 70 60 50 5A 6A 77 56 85"
        "|07 53 80 90 70 46 3A 1A 08 27 75|80 60 52 48 4A 6A 77 56 46 85"
        "|A0 80 62 48 2A 0A 09,24 84|A1 80 61 5A 2A,24 94|16 64 82 70 60 54 5A 6A 78 66 A5"
        "|90 60 53 5A,24 A4|A1 91 60 43 4A 2A 7A,15 85|07 75 A1 80 60 45 2A 0A 08 47 96"
    ),
    "h": (
        "10 1A,16 54 95 9A|0A 63 70 40 2A 2A 56 86 89 AA|10 1A 1A 15 55 86 8A|1A 10,05 54 A6 9A"
        "|08 54 60 40 3A 36 65 88 9A A8|09 61 50 30 1A 1A 46 77 79 9A A7"
        "|0A 40 30 1A 1A 45 75 69 8A A9"
    ),
    "j": (
        "62 69 3A 09,60 71|43 72 68 3A 38 96,80 81|72 78 4A 17,70 80"
        "|13 61 62 68 4A 29 47 94,70 71|42 62 68 4A 2A 28 75,70 80|05 60 67 4A 29 48 A4"
        "|14 52 58 4A 2A 18 46 83|05 42 50 50 48 3A 1A 09 37 84"
        "|24 61 60 67 4A 2A 29 57 A4,70 80|42 82 89 6A 3A 28,80 90|62 69 3A 17,60 71"
        "|60 60 69 4A 18|06 63 52 49 3A 1A 08 36 95,60 70|05 41 58 5A 4A 28 46 84"
        "|62 67 4A 1A 08 37 75,70 71|34 72 78 5A 3A 49 86,71 81"
    ),
    "k": (
        "10 1A,84 17 17 9A|0A 63 70 30 2A 2A 56 74 57 57 9A|10 1A,93 26 8A"
        "|09 51 40 20 1A 1A 45 75 66 37 37 9A|20 2A,85 26 26 8A"
    ),
    "m": (
        "02 0A 0A 04 31 54 5A 5A 54 81 A4 AA|03 11 1A 1A 14 40 5A 5A 80 9A"
        "|0A 10 31 3A 3A 60 7A 7A A0 A9|09 10 20 1A 1A 40 50 4A 4A 80 90 89 AA"
        "|07 20 2A 2A 40 5A 5A 70 88 AA"
    ),
    "n": (
        "12 1A 1A 15 51 94 9A|00 1A 1A 05 50 93 9A|0A 20 31 3A 3A 70 89 AA|10 1A/15 50 90 9A"
        "|08 20 30 2A 2A 60 80 78 9A A8|09 10 20 1A 1A 40 80 89 AA|0A 0A 00 04 30 80 A3 AA"
    ),
    "p": (
        "10 1A,12 50 A3 56 15|00 1A 1A 12 60 A2 66 16|06 30 2A 2A 31 90 A4 56 25"
        "|08 31 30 2A 2A 31 70 93 76 36|05 20 1A 1A 13 50 93 66 26 86"
        "|10 1A,12 40 80 A3 86 46 15"
    ),
    "r": (
        "21 2A 2A 25 61 90|10 2A 2A 16 60 A1|0A 20 12 82 7A AA|20 2A/25 60 A2|0A 40 32 82 68 9A"
        "|09 42 30 43 72 68 7A A7|0A 41 32 63 81 7A AA|08 40 31 63 71 69 9A|0A 30 22 63 82 8A"
        "|0A 41 42 43 82 71 78 8A A8|09 31 33 62 83 68 7A A7|10 1A 1A 15 41 70 A1"
        "|0A 20 20 31 72 58 6A 98|09 20 41 53 82 77 8A A9|12 40 40 4A 4A 45 71 A1"
        "|0A 33 50 52 42 82 87 9A AA|00 30 3A 0A 6A,35 60 A2"
    ),
    "t": (
        "40 48 6A 99,13 83|50 5A,14 94|0A 50 48 6A A8,13 93|60 48 7A A8,03 A3"
        "|08 60 57 6A 8A A7,23 93|0A 60 59 7A A7,24 84|09 40 40 47 5A 7A A7,23 83"
        "|0A 51 40 46 4A 6A A8,14 94|07 60 50 4A 6A 98,23 A2|50 48 6A 9A,13 93"
        "|0A 60 51 48 5A 89 A7|40 4A,03 93|08 70 60 4A 59 A7,04 A3|60 5A 3A 15 A4"
    ),
    "u": (
        "10 17 4A 97,A0 9A|00 07 2A 6A 90 90 98 AA|03 20 18 4A 80 80 89 AA|10 16 3A 8A A6 A0"
        "|09 20 17 3A 6A 80 80 88 AA|06 10 17 3A 5A 80 80 88 9A A8|00 06 2A 5A 95 90 90 9A"
    ),
    "v": (
        "00 5A 5A A0|01 20 4A 6A A1 90|03 10 5A 5A 90 A0|04 20 31 3A 4A 82 70 92 A2"
        "|05 11 20 38 4A 78 82 71 A2|02 20 3A 5A A1 90 A3|0A 20 20 4A 5A 90 90"
        "|04 10 28 4A 6A 94 90 70 82 A2"
    ),
    "w": (
        "00 3A 3A 52 52 7A 7A A0|00 08 3A 53 53 69 9A A2 90|04 10 18 4A 60 60 69 9A A0"
        "|04 20 28 4A 68 62 68 8A A6 A0 81|09 21 18 3A 58 51 58 7A 98 91 82 A3"
        "|03 10 28 3A 52 50 68 7A A2 80 92 A2|0A 20 18 3A 59 60 58 7A A8 A0 90"
        "|00 07 2A 5A 50 50 57 7A AA A0|01 10 2A 3A 55 53 7A 8A A1"
        "|04 20 19 3A 62 61 5A 7A A1 90 A3|09 10 17 3A 60 5A 8A 91 A2"
    ),
    "x": (
        "00 AA,A0 0A|02 10 3A 9A A8,A0 0A|01 20 64 6A 2A,A0 70 55 5A AA"
        "|04 20 41 48 7A A8,A1 80 2A 09|02 10 30 78 8A AA,90 1A"
    ),
    "y": (
        "00 55 55,A0 1A|10 04 35 85 A0 A0 8A 3A 19|00 56 56 A0 A0 2A"
        "|04 20 16 46 A0 A0 6A 2A 19 A6|00 04 55 A0 99 4A 08|03 20 16 37 65 80 80 79 4A 28 A5"
        "|03 10 15 36 74 80 80 68 4A 2A 28 66 A4|04 20 25 46 85 90 90 79 4A 1A 09 47 A5"
        "|0A 20 26 47 83 90 8A 6A 48 A5|00 00 45 A0 A0 6A 3A 18"
        "|02 10 35 56 93 A0 88 5A 29 57 A5|06 30 25 46 75 80 80 5A 3A 28 85"
        "|01 04 36 76 A4 A0 A0 A7 7A 1A"
    ),
    "&": "AA 22 30 60 63 06 1A 5A A6|90 40 35 0A 7A A6,54 36",
    "#": "40 2A,80 6A,13 A3,07 97",
    "+": "50 5A,05 A5",
    "@": "73 43 36 66 73 77 A5 80 30 04 18 5A 99",
    "*": "50 5A,02 A8,A2 08",
    "%": "10 02 24 42 30 10,A0 0A,86 68 8A A8 86",
}

N_ROUNDINGS = 3  # of a stroke's corners: as smooth as a pen goes
JITTER = 0.05  # of the box: the standard deviation of where a point comes to stand
MAX_TRIM = 0.12  # of a stroke's points: what a hand leaves out at either end
JOIN_RATE = 0.35  # of drawings: where the pen may stay down, it does
DISTORTION = 0.7  # of what letters in type take: their shapes vary by themselves
WIDTH = 0.8  # of their height: how wide digits are


def write(sign: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """One digit or letter in one of its ways, as one hand does: (n, 2, 2) segments of a pen."""
    ways = (DIGITS.get(sign) or LETTERS[sign]).split("|")
    sketch = str(rng.choice(ways)).replace("/", " " if rng.random() < JOIN_RATE else ",")
    spread = JITTER * rng.uniform(0.3, 1.6)
    places: dict[str, NDArray[np.float64]] = {}  # a point that stands twice stays where it is
    strokes = []
    for row in sketch.split(","):
        for point in row.split():
            place = np.array([int(point[0], 16), int(point[1], 16)]) / 10
            places.setdefault(point, place + rng.normal(0, spread, 2))
        line = round_corners(np.stack([places[point] for point in row.split()]))
        first, last = (round(len(line) * share) for share in rng.uniform(0, MAX_TRIM, 2))
        line = line[first : len(line) - last]
        strokes.append(np.stack([line[:-1], line[1:]], 1))
    line = distort(np.concatenate(strokes), rng, DISTORTION)
    if sign in DIGITS:
        line[..., 0] *= WIDTH
    return line


def round_corners(line: NDArray[np.float64], times: int = N_ROUNDINGS) -> NDArray[np.float64]:
    """A line, (n, 2), with its corners cut off (Chaikin 1974); a point that stands twice stays."""
    for _ in range(times):
        first, second = line[:-1], line[1:]
        cut = np.stack([0.75 * first + 0.25 * second, 0.25 * first + 0.75 * second], 1)
        line = np.concatenate([line[:1], cut.reshape(-1, 2), line[-1:]])
    return line


def distort(
    line: NDArray[np.float64], rng: np.random.Generator, strength: float = 1.0
) -> NDArray[np.float64]:
    """A pen line, (n, 2, 2), warped, rotated, scaled and sheared; by 1: as much as letters take."""
    low, high = line.min(axis=(0, 1)), line.max(axis=(0, 1))
    points = (line - (low + high) / 2) / max((high - low).max(), 1e-9)
    waves, phases = rng.normal(0, 3, (2, 3)), rng.uniform(0, 2 * np.pi, 3)
    points = points + np.sin(points @ waves + phases) @ rng.normal(0, 0.06 * strength, (3, 2))
    angle = np.radians(15) * strength * rng.uniform(-1, 1)
    shear = 0.35 * strength * rng.uniform(-1, 1)
    width, height = np.exp(0.4 * strength * rng.uniform(-1, 1, 2))
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[width, shear], [0, height]])
    distorted: NDArray[np.float64] = points @ matrix.T
    return distorted
