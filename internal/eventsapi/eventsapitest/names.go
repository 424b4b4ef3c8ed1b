// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Invented people, places and clients.

package eventsapitest

type name struct{ name, local string }

var names = []name{
	{"Aoife O'Neill", "aoife.oneill"}, {"Jürgen Weiß", "juergen.weiss"}, {"Mária Kováčová", "maria.kovacova"},
	{"田中 美咲", "misaki.tanaka"}, {"王小明", "xiaoming.wang"}, {"김하늘", "haneul.kim"},
	{`Dwayne "Rocky" Adeyemi`, "dwayne.adeyemi"}, {"Søren Ødegård", "soren.odegard"}, {"Zoë van der Berg", "zoe.vanderberg"},
	{"François Lefèvre", "francois.lefevre"}, {"Siobhán D'Arcy", "siobhan.darcy"}, {"Łukasz Żółkiewski", "lukasz.zolkiewski"},
	{"Anaïs Müller-Strauß", "anais.mueller"}, {"Γιώργος Παπαδόπουλος", "giorgos.papadopoulos"}, {"Ольга Іваненко", "olha.ivanenko"},
	{"שרה לוי", "sara.levi"}, {"ليلى حداد", "layla.haddad"}, {"प्रिया शर्मा", "priya.sharma"},
	{"สมชาย ใจดี", "somchai.jaidee"}, {"Nguyễn Thị Hạnh", "hanh.nguyen"}, {"Björk Sigurðardóttir", "bjork.sigurdardottir"},
	{"Çağla Yıldız", "cagla.yildiz"}, {"Jean-Luc Dupont & Söhne", "jl.dupont"}, {"R. <Bobby> Tables", "bobby.tables"},
	{`Back\slash Berta`, "berta.backslash"}, {"Noor 🦊 Jansen", "noor.jansen"}, {"Kwame Mensah", "kwame.mensah"},
	{"Chidinma Okafor", "chidinma.okafor"}, {"Tāne Ngata", "tane.ngata"}, {"Leilani Kāne", "leilani.kane"},
	{"Mateo Fernández Ruiz", "mateo.fernandez"}, {"Inés Nuñez", "ines.nunez"}, {"João Gonçalves", "joao.goncalves"},
	{"Beatriz Araújo", "beatriz.araujo"}, {"Elif Şahin", "elif.sahin"}, {"Petr Dvořák", "petr.dvorak"},
	{"Ilse Grünwald", "ilse.gruenwald"}, {"Tomás Ó Briain", "tomas.obriain"}, {"Rhys ap Gwilym", "rhys.apgwilym"},
	{"Marta Szabó", "marta.szabo"}, {"Andrei Popescu", "andrei.popescu"}, {"Nadia Rahman", "nadia.rahman"},
	{"Farid Karimov", "farid.karimov"}, {"Amara Diallo", "amara.diallo"}, {"Sipho Dlamini", "sipho.dlamini"},
	{"Hana Suzuki", "hana.suzuki"}, {"Kenji Watanabe", "kenji.watanabe"}, {"Mei-Ling Chen", "meiling.chen"},
	{"Rajesh Iyer", "rajesh.iyer"}, {"Ayesha Siddiqui", "ayesha.siddiqui"}, {"Olivia Hartmann", "olivia.hartmann"},
	{"Ethan Brooks", "ethan.brooks"}, {"Grace Whitfield", "grace.whitfield"}, {"Liam MacKenzie", "liam.mackenzie"},
	{"Charlotte Tremblay", "charlotte.tremblay"}, {"Étienne Côté", "etienne.cote"}, {"Isla Campbell", "isla.campbell"},
	{"Maximilian Graf von Hohenfels", "max.hohenfels"}, {"Q", "q"}, {"Renée O'Connor-Smythe", "renee.oconnor"},
}

// externals are technicians of a managed service provider.
var externals = []name{
	{"Dana Kessler (Northgate IT)", "dana.kessler"}, {"Idris Bello", "idris.bello"}, {"Jolanta Mazur", "jolanta.mazur"},
}

var serviceAccounts = []string{"Deploy pipeline", "Backup job", "SCIM bridge", "Kubernetes operator"}

type place struct {
	country, iso, continent, region, city, lat, lon string
}

var places = []place{
	{"Canada", "CA", "North America", "Ontario", "Toronto", "43.6532", "-79.3832"},
	{"United States", "US", "North America", "Oregon", "Portland", "45.5152", "-122.6784"},
	{"United States", "US", "North America", "Illinois", "Chicago", "41.8781", "-87.6298"},
	{"Germany", "DE", "Europe", "Bavaria", "Munich", "48.1374", "11.5755"},
	{"United Kingdom", "GB", "Europe", "England", "London", "51.5074", "-0.1278"},
	{"France", "FR", "Europe", "Île-de-France", "Paris", "48.8566", "2.3522"},
	{"Israel", "IL", "Asia", "Tel Aviv", "Tel Aviv", "32.0853", "34.7818"},
	{"Japan", "JP", "Asia", "Tokyo", "Tokyo", "35.6762", "139.6503"},
	{"South Korea", "KR", "Asia", "Seoul", "Seoul", "37.5665", "126.978"},
	{"Brazil", "BR", "South America", "São Paulo", "São Paulo", "-23.5505", "-46.6333"},
	{"Argentina", "AR", "South America", "Buenos Aires F.D.", "Buenos Aires", "-34.6037", "-58.3816"},
	{"South Africa", "ZA", "Africa", "Western Cape", "Cape Town", "-33.9249", "18.4241"},
	{"Nigeria", "NG", "Africa", "Lagos", "Lagos", "6.5244", "3.3792"},
	{"India", "IN", "Asia", "Karnataka", "Bengaluru", "12.9716", "77.5946"},
	{"Australia", "AU", "Oceania", "New South Wales", "Sydney", "-33.8688", "151.2093"},
	{"New Zealand", "NZ", "Oceania", "Auckland", "Auckland", "-36.8509", "174.7645"},
	{"Iceland", "IS", "Europe", "Capital Region", "Reykjavík", "64.1466", "-21.9426"},
}

// client is an app. An empty platform stands for the name of the computer.
type client struct {
	app, appVersion, platform, platformVersion, os, osVersion string
}

// interactive clients are people's, serverSide ones fetch items for programs.
var (
	interactive = []client{
		{"1Password Browser Extension", "81055002", "Chrome extension", "127.0.6533.99", "MacOSX", "15.1.1"},
		{"1Password Browser Extension", "81046028", "Edge extension", "126.0.2592.87", "Windows", "10"},
		{"1Password Browser Extension", "81044023", "Firefox extension", "128.0", "Linux", "6.10.5"},
		{"1Password Browser Extension", "20195", "Brave extension", "1.68.134", "Windows 11", "24H2"},
		{"1Password Extension", "20127", "Chrome", "", "MacOSX", "10.15.7"},
		{"1Password for Web", "1895", "Chrome", "127.0.6533.99", "MacOSX", "10.15.7"},
		{"1Password for Web", "1883", "Microsoft Edge", "126.0.2592.87", "Windows", "10"},
		{"1Password for Mac", "81055002", "", "MacBookPro16,1", "MacOSX", "15.1.1"},
		{"1Password for Mac", "70902005", "", "MacBookAir10,1", "MacOSX", "10.15.7"},
		{"1Password for Windows", "81055002", "", "x86_64", "Windows", "11"},
		{"1Password for Linux", "81044023", "", "x86_64", "Linux", "6.10.5"},
		{"1Password for iOS", "81046028", "iPhone", "iPhone15,2", "iOS", "17.6.1"},
		{"1Password for Android", "81046028", "Pixel 8", "arm64-v8a", "Android", "14"},
	}
	serverSide = []client{
		{"1Password CLI", "2290005", "", "x86_64", "Linux", "6.10.5"},
		{"1Password CLI", "2290005", "ci-runner-7f9c4", "amd64", "Linux", ""},
		{"1Password SCIM Bridge", "20905", "op-scim-bridge-5d8f7c9b4-x2x7k", "", "Linux", "6.1.0"},
		{"1Password SDK", "0010300", "", "arm64", "MacOSX", "15.1.1"},
		{"1Password Connect", "1070300", "connect-api-0", "amd64", "Linux", "5.15.0"},
		{"1Password for Web", "1895", "Chrome", "127.0.6533.99", "Windows", "10"},
	}
)
