"""Polish words for days and times."""

from cooee.core.parsing.dates.language import Language

POLISH = Language(
    months="stycznia styczeń sty/lutego luty lut/marca marzec/kwietnia kwiecień kwi/maja maj"
    "/czerwca czerwiec cze/lipca lipiec lip/sierpnia sierpień sie/września wrzesień wrz"
    "/października październik paź/listopada listopad lis/grudnia grudzień gru",
    weekdays="poniedziałek/wtorek/środa środę/czwartek/piątek/sobota sobotę/niedziela niedzielę",
    short_weekdays="pon/wt/śr/czw/pt/sob/nd",
    ordinal_endings=r"\.(?!\d)|go",
    words="""
R0: dzisiaj, dziś
R1: jutro
R2: pojutrze
R-1: wczoraj
R-2: przedwczoraj
j: teraz
Pmorning: rano
Pafternoon: po południu
Pevening: wieczorem, wieczór
Knoon: południe, w południe
Kmidnight: północ, o północy
Uminute: minuta, minutę, minuty, minut
Uhour: godzina, godzinę, godziny, godzin
Uday: dzień, dni
Uweek: tydzień, tygodnie, tygodni
Umonth: miesiąc, miesiące, miesięcy
Uyear: rok, lata, lat
a: jeden, jedną
n2: dwa, dwie
n3: trzy
n4: cztery
n5: pięć
n6: sześć
n7: siedem
n8: osiem
n9: dziewięć
n10: dziesięć
Xthis: ten, tę
Xnext: następny, następną, przyszły, przyszłą
Xlast: zeszły, zeszłą, ostatni, ostatnią
i: za
G: temu
@: o, o godzinie, godz
_: w, we, na, dnia, proszę, dzięki, ok
y1: pierwszego
""",
)
