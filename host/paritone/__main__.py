from paritone.cli import main

main()
