"""The group's chart of accounts and cost centres: the same numbers in both companies, each in its own language."""

from __future__ import annotations

from typing import NamedTuple

from ml_connector_simulators.visma.seed.problems import INACTIVE_ACCOUNT_NUMBER


class Account(NamedTuple):
    """One account; `names` by language (no, sv)."""

    number: str
    names: dict[str, str]

    @property
    def type(self) -> str:
        """Visma's account type, by the first digit of the Nordic charts."""
        return {"1": "Asset", "2": "Liability", "3": "Income"}.get(self.number[0], "Expense")

    @property
    def active(self) -> bool:
        """Whether the account may be posted to."""
        return self.number != INACTIVE_ACCOUNT_NUMBER


class CostCentre(NamedTuple):
    """One value of the cost centre segment."""

    code: str
    names: dict[str, str]


_ACCOUNTS = """
1200 Maskiner og anlegg | Maskiner och anläggningar
1250 Inventar og utstyr | Inventarier och utrustning
1280 Kontormaskiner og IT-utstyr | Kontorsmaskiner och IT-utrustning
1460 Varelager | Varulager
1480 Forskudd til leverandører | Förskott till leverantörer
1500 Kundefordringer | Kundfordringar
1700 Forskuddsbetalte kostnader | Förutbetalda kostnader
1920 Bankinnskudd drift | Bankkonto drift
2400 Leverandørgjeld | Leverantörsskulder
2600 Skattetrekk | Personalskatt
2700 Utgående merverdiavgift | Utgående moms
2710 Inngående merverdiavgift | Ingående moms
2900 Påløpte kostnader | Upplupna kostnader
2960 Varemottak ikke fakturert | Varumottagning ej fakturerad
3000 Salgsinntekt avgiftspliktig | Försäljning momspliktig
3100 Salgsinntekt avgiftsfri | Försäljning momsfri
3400 Leieinntekter | Hyresintäkter
4000 Innkjøp råvarer | Inköp råvaror
4100 Innkjøp halvfabrikata | Inköp halvfabrikat
4160 Frakt og toll ved innkjøp | Frakt och tull vid inköp
4300 Innkjøp handelsvarer | Inköp handelsvaror
4360 Emballasje | Emballage
4500 Fremmedytelser | Legoarbeten
4510 Underentreprenører | Underentreprenörer
5000 Lønn | Löner
5010 Innleid personell | Inhyrd personal
5900 Gaver til ansatte | Gåvor till anställda
5910 Kantine | Personalmatsal
5950 Yrkesskadeforsikring | Yrkesskadeförsäkring
5990 Annen personalkostnad | Övriga personalkostnader
6000 Avskrivning | Avskrivningar
6100 Frakt ved salg | Frakt vid försäljning
6110 Toll og spedisjon | Tull och spedition
6300 Leie lokaler | Lokalhyra
6320 Renovasjon vann avløp | Renhållning vatten avlopp
6340 Strøm | El
6345 Oppvarming | Uppvärmning
6360 Renhold | Städning
6390 Annen lokalkostnad | Övriga lokalkostnader
6400 Leie maskiner | Hyra maskiner
6420 Leie datasystemer | Hyra datasystem
6440 Leie biler | Billeasing
6490 Annen leiekostnad | Övriga hyreskostnader
6500 Verktøy | Verktyg
6540 Inventar under grensen | Förbrukningsinventarier
6551 Datautstyr | Datautrustning
6552 Programvare | Programvaror
6570 Arbeidsklær | Arbetskläder
6600 Reparasjon bygninger | Reparation byggnader
6620 Reparasjon utstyr | Reparation utrustning
6690 Annen vedlikehold | Övrigt underhåll
6700 Revisjon | Revision
6705 Regnskapstjenester | Redovisningstjänster
6720 Juridisk bistand | Juridisk rådgivning
6725 Konsulenttjenester | Konsulttjänster
6790 Annen fremmed tjeneste (utgått) | Övriga främmande tjänster (utgått)
6800 Kontorrekvisita | Kontorsmaterial
6810 Trykksaker | Trycksaker
6840 Aviser og tidsskrifter | Tidningar och tidskrifter
6860 Møter og kurs | Möten och kurser
6900 Telefon | Telefon
6907 Datakommunikasjon | Datakommunikation
6940 Porto | Porto
7000 Drivstoff | Drivmedel
7020 Vedlikehold biler | Underhåll bilar
7040 Bilforsikring | Bilförsäkring
7100 Bilgodtgjørelse | Bilersättning
7130 Reisekostnad | Resekostnader
7140 Hotell og diett | Hotell och traktamente
7200 Provisjon | Provisioner
7320 Annonser og reklame | Annonser och reklam
7330 Messer og utstillinger | Mässor och utställningar
7350 Representasjon | Representation
7400 Kontingenter | Medlemsavgifter
7420 Gaver til kunder | Gåvor till kunder
7500 Forsikring | Försäkringar
7600 Lisenser og patenter | Licenser och patent
7710 Styremøter | Styrelsemöten
7730 Sertifisering | Certifiering
7770 Bankgebyrer | Bankavgifter
7790 Annen kostnad | Övriga kostnader
7795 Øreavrunding | Öresavrundning
8060 Valutagevinst | Valutakursvinst
8160 Valutatap | Valutakursförlust
"""

_COST_CENTRES = """
110 Salg Oslo | Försäljning Stockholm
120 Salg Bergen | Försäljning Göteborg
130 Nettbutikk | Webbutik
140 Kundeservice | Kundtjänst
210 Lager Gardermoen | Lager Jönköping
220 Transport | Transport
310 Innkjøp | Inköp
320 Produktutvikling | Produktutveckling
410 Økonomi | Ekonomi
420 Personal | Personal
430 IT | IT
510 Ledelse | Ledning
"""

ITEMS = {
    "PAP-A4": ("Kopipapir A4 80 g", "Kopieringspapper A4 80 g", "390"),
    "TON-501": ("Toner svart 501", "Toner svart 501", "845"),
    "STO-ERG": ("Kontorstol ergonomisk", "Kontorsstol ergonomisk", "3290"),
    "PUL-160": ("Hev-senk-pult 160 cm", "Höj- och sänkbart bord 160 cm", "4990"),
    "SKJ-27": ("Skjerm 27 tommer", "Bildskärm 27 tum", "2790"),
    "DOK-USB": ("Dokkingstasjon USB-C", "Dockningsstation USB-C", "1490"),
    "HAN-ARB": ("Arbeidshansker", "Arbetshandskar", "79"),
    "PAL-EUR": ("Europall", "EUR-pall", "119"),
}


def _bilingual(table: str) -> list[tuple[str, dict[str, str]]]:
    rows = (line.split(" ", 1) for line in table.strip().splitlines())
    return [(code, dict(zip(("no", "sv"), names.split(" | "), strict=True))) for code, names in rows]


ACCOUNTS = [Account(*row) for row in _bilingual(_ACCOUNTS)]
COST_CENTRES = [CostCentre(*row) for row in _bilingual(_COST_CENTRES)]
